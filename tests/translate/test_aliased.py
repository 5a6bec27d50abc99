import pytest

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json, Shape
from gateway.translate.aliased import Aliased, aliased
from gateway.translate.contract import Context
from gateway.translate.parts.model_names import ModelNames
from gateway.translate.plan import plan
from tests.exchange.test_retries import ASKED

SAID = "Rate limit reached for m-1 (m-1-2026)."
NAMED = "Rate limit reached for fast (m-1-2026)."
CONTEXT = Context("fast", "m-1")


def translation(client: Shape = Shape.CHAT, home: Shape = Shape.CHAT) -> Aliased:
    made = plan(client, home, {"model": "fast", **ASKED[client]}, CONTEXT)
    assert isinstance(made, Aliased)
    return made


def test_a_model_under_its_own_name_needs_nothing() -> None:
    assert translation().report.models == ModelNames("m-1", "fast")
    for context in (Context("a", "a"), Context("a", "")):
        made = plan(Shape.CHAT, Shape.CHAT, {}, context)
        assert aliased(made, context) is made
        assert made.report.models is None


@pytest.mark.parametrize("home", [Shape.RESPONSES, Shape.MESSAGES])
def test_a_whole_reply_that_is_an_error_names_the_clients_model(home: Shape) -> None:
    made = translation(home=home)
    with pytest.raises(UpstreamReplied) as caught:
        made.reply([{"type": "error", "error": {"message": SAID}}])
    assert caught.value.message == NAMED


@pytest.mark.parametrize("home", Shape)
@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES])
def test_so_does_an_error_within_a_stream(client: Shape, home: Shape) -> None:
    stream = translation(client, home).stream()
    event: Json = {"type": "error", "error": {"message": SAID}}
    if client is home:
        (passed,) = stream.feed(0, event)
        assert passed == {"type": "error", "error": {"message": NAMED}}
        return
    with pytest.raises(UpstreamReplied) as caught:
        stream.feed(0, event)
    assert caught.value.message == NAMED


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"error": SAID}, {"error": NAMED}),
        ({"error": {"code": 429}}, {"error": {"code": 429}}),
        ({"type": "error", "message": SAID}, {"type": "error", "message": NAMED}),
        ({"object": "error", "message": SAID}, {"object": "error", "message": NAMED}),
        ({"detail": SAID}, {"detail": NAMED}),
        ({"error": "Bad Request", "message": SAID}, {"error": "Bad Request", "message": NAMED}),
        ({"error": {"metadata": {"raw": [SAID]}}}, {"error": {"metadata": {"raw": [NAMED]}}}),
        (
            {"type": "response.failed", "response": {"error": {"message": SAID}}},
            {"type": "response.failed", "response": {"error": {"message": NAMED}}},
        ),
        ({"x_groq": {"error": SAID}}, {"x_groq": {"error": NAMED}}),
        ({"choices": [{"error": SAID}, 7]}, {"choices": [{"error": NAMED}, 7]}),
        # the model's own words
        ({"choices": [{"text": SAID}, {}]}, {"choices": [{"text": SAID}, {}]}),
        ({"type": "x", "message": SAID}, {"type": "x", "message": SAID}),
        ({"response": {"output": SAID}}, {"response": {"output": SAID}}),
    ],
)
def test_an_event_that_is_passed_on_is_changed_in_its_error_only(
    event: Json, expected: Json
) -> None:
    same = translation(Shape.RESPONSES, Shape.RESPONSES)
    assert same.stream().feed(0, event) == [expected]
    assert same.reply([event]) == expected


def test_an_error_that_comes_from_elsewhere_is_named_too() -> None:
    stream = translation(home=Shape.RESPONSES).stream()
    assert stream.fail(UpstreamError(SAID))[0]["error"]["message"] == NAMED
    assert stream.ping() == []
    assert not stream.satisfied(0)
    assert stream.passes_text
    with pytest.raises(UpstreamError):
        stream.end(0)


def test_the_rest_is_the_translations() -> None:
    made = translation(home=Shape.RESPONSES)
    assert made.calls[0]["model"] == "m-1"
    assert made.local_reply() is None
    assert made.client_param(0, "input[0]") == "messages[0]"
    assert made.items is None
