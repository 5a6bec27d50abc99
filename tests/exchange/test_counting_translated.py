"""Counts at `/v1/responses/input_tokens`: what is refused there, and what it is called."""

from typing import Any

import pytest

from gateway.config.settings import ModelRule
from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape, UpstreamCall
from tests.exchange.scene import Scene
from tests.exchange.test_counting import RESPONSES, counted, number_in
from tests.exchange.test_retries import REPLIES, sent
from tests.fakes import Answer, error_reply, json_reply
from tests.translate.messages_requests import asked, assistant, result, text, tool, use, user

AT_RESPONSES = (ModelRule("m", endpoints=(Shape.RESPONSES,)),)
EFFORT = "Unsupported value: 'max' is not supported with this model. Supported values are: 'high'."
SUMMARY = "Your organization must be verified to generate reasoning summaries."
THINKING: Json = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}
PLAIN: Json = {**asked(user("Hi")), "model": "m"}
ALTERNATING = "Conversation roles must alternate user/assistant/user/assistant/..."
LONG = "n" * 70


def picky(call: UpstreamCall) -> Answer:
    """Answer as a model without that effort, in an organisation that is not verified."""
    if call.method == "GET":
        return json_reply({"data": []})
    reasoning = sent(call).get("reasoning", {})
    if reasoning.get("effort") == "max":
        return error_reply(400, EFFORT, param="reasoning.effort", code="unsupported_value")
    if "summary" in reasoning:
        return error_reply(400, SUMMARY, param="reasoning.summary", code="unsupported_value")
    assert "max_output_tokens" not in sent(call) or call.path != RESPONSES
    return json_reply({"input_tokens": 7} if call.path == RESPONSES else REPLIES["/responses"])


def counted_at(answer: Any, body: Json) -> str:
    """Count at responses; return the error's words."""
    with pytest.raises(UpstreamError) as raised:
        counted(Scene(answer, rules=AT_RESPONSES), body)
    return raised.value.message


@pytest.mark.parametrize("generates", [False, True])
def test_what_generations_do_without_fails_no_count(generates: bool) -> None:
    scene = Scene(picky, rules=AT_RESPONSES)
    if generates:
        generation = scene.generate(Shape.MESSAGES, {**PLAIN, **THINKING})
        assert generation.decision.attempts == 3
    reply, decision = counted(scene, {**PLAIN, **THINKING})
    assert number_in(reply) == {"input_tokens": 7}
    assert decision.attempts == (1 if generates else 3)
    assert sent(scene.network.calls[-1])["reasoning"] == {"effort": "high"}
    assert decision.translation == (
        "from=messages; to=responses; dropped=thinking.display; "
        "changed=output_config.effort:max->high"
    )


def test_what_a_count_refuses_is_not_remembered() -> None:
    scene = Scene(picky, rules=AT_RESPONSES)
    counted(scene, {**PLAIN, **THINKING})
    assert counted(scene, {**PLAIN, **THINKING})[1].attempts == 3


def test_a_refusal_that_stays_is_the_answer() -> None:
    def stubborn(call: UpstreamCall) -> Answer:
        return error_reply(400, EFFORT, param="reasoning.effort", code="unsupported_value")

    assert counted_at(stubborn, {**PLAIN, **THINKING}).startswith(EFFORT[:-1])


@pytest.mark.parametrize(
    ("param", "path"),
    [
        ("input[2].output[1].image_url", "messages[2].content[0].content[1].source"),
        ("input[1].arguments", "messages[1].content[0].input"),
        ("tools[0].parameters", "tools[0].input_schema"),
        ("reasoning.effort", "output_config.effort"),
        ("reasoning.summary", "thinking.display"),
        ("input", "messages"),
    ],
)
def test_an_error_has_the_clients_names(param: str, path: str) -> None:
    image = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    body = {
        **THINKING,
        **asked(
            user("a"),
            assistant(use("1", LONG)),
            user(result("1", [text("b"), {"type": "image", "source": image}])),
            tools=[tool(LONG)],
        ),
        "model": "m",
    }

    def broken(call: UpstreamCall) -> Answer:
        name = "gone" if call.method == "GET" else sent(call)["tools"][0]["name"]
        return error_reply(400, f"Something about {name} is wrong.", param=param)

    with pytest.raises(UpstreamError) as raised:
        counted(Scene(broken, rules=AT_RESPONSES), body)
    assert raised.value.param == path
    assert LONG in raised.value.message


def test_an_error_after_a_change_has_the_clients_place() -> None:
    """Messages of one role that are joined are one item."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        if any(item.get("role") == "developer" for item in sent(call)["input"]):
            return error_reply(400, "System message must be at the beginning.")
        if len(sent(call)["input"]) == 4:
            return error_reply(400, ALTERNATING)
        return error_reply(400, "Too odd.", param="input[2].content")

    late = {"role": "system", "content": "b"}
    said = [user("a"), late, {"role": "assistant", "content": "c"}, user("d")]
    with pytest.raises(UpstreamError) as raised:
        counted(Scene(answer, rules=AT_RESPONSES), {**PLAIN, "messages": said})
    assert raised.value.param == "messages[3].content"
