from typing import Any

import pytest

from gateway.demo import emulator, kept_responses
from gateway.demo.emulator import Emulator
from gateway.demo.kept_responses import KeptResponses
from gateway.demo.models import PRIVATE_KEY
from gateway.demo.refusals import Refused
from tests.demo.client import Reply, ask, post
from tests.demo.endpoints.test_responses import PATH, SAY, text_of

MODEL = {"model": "gpt-4o-mini"}


def respond(app: Emulator, text: Any, /, **body: Any) -> dict[str, Any]:
    reply = post(app, PATH, **MODEL, input=text, **body)
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json()
    return found


def one(app: Emulator, known_as: str, method: str = "GET", key: str = "sk-test") -> Reply:
    return ask(app, method, f"{PATH}/{known_as}", key=key)


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_is_continued_read_and_deleted(stream: bool) -> None:
    app = emulator.build()
    if stream:
        events = post(app, PATH, **MODEL, input="please call say", tools=[SAY], stream=True)
        first = events.events()[-1]["response"]
    else:
        first = respond(app, "please call say", tools=[SAY])
    assert one(app, first["id"]).json() == first
    output = {"type": "function_call_output", "output": "done"}
    output["call_id"] = first["output"][0]["call_id"]
    second = respond(app, [output], previous_response_id=first["id"])
    assert text_of(second) == "The tool said: done"
    assert second["previous_response_id"] == first["id"]
    third = respond(app, "bye", previous_response_id=second["id"])
    assert third["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    deleted = one(app, first["id"], "DELETE").json()
    assert deleted == {"id": first["id"], "object": "response", "deleted": True}
    for method in ("GET", "DELETE"):
        expected = (404, f"Response with id '{first['id']}' not found.", None, None)
        assert one(app, first["id"], method).error() == expected
    assert text_of(respond(app, "still", previous_response_id=second["id"])) == "You said: still"


def test_the_items_that_a_response_was_asked_are_listed() -> None:
    app = emulator.build()
    first = respond(app, "hi")["id"]
    said = {"type": "message", "role": "assistant", "content": "well"}
    asked: list[Any] = [
        said,
        {"role": "user", "content": [{"type": "input_text", "text": "so"}]},
    ]
    second = respond(app, asked, previous_response_id=first)["id"]
    path = f"{PATH}/{second}/input_items"
    page = ask(app, "GET", path).json()
    ids = [f"message_{second}_1", f"message_{second}_0"]
    assert [each["id"] for each in page["data"]] == ids
    assert (page["first_id"], page["last_id"], page["has_more"]) == (*ids, False)
    assert page["data"][0]["content"] == asked[1]["content"]
    assert page["data"][1]["content"] == [{"type": "output_text", "text": "well"}]
    rest = ask(app, "GET", f"{path}?order=asc&limit=1").json()
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (ids[1:], True)
    assert ask(app, "GET", f"{path}?order=asc&after={ids[0]}").json()["data"] == []
    (only,) = ask(app, "GET", f"{PATH}/{first}/input_items").json()["data"]
    assert only["content"] == [{"type": "input_text", "text": "hi"}]
    assert ask(app, "GET", f"{path}?order=odd").error()[2] == "order"
    assert ask(app, "GET", f"{PATH}/resp_0/input_items").status == 404


def test_a_choice_of_tools_that_is_null_is_none() -> None:
    app = emulator.build()
    assert respond(app, "hi", tool_choice=None)["tool_choice"] == "auto"
    called = respond(app, "please call say", tools=[SAY], tool_choice=None)
    assert called["output"][0]["type"] == "function_call"


def test_what_is_not_stored_or_another_callers_is_not_found() -> None:
    app = emulator.build()
    unstored = respond(app, "hi", store=False)["id"]
    stored = respond(app, "hi")["id"]
    for known_as, key in ((unstored, "sk-test"), (stored, PRIVATE_KEY)):
        assert one(app, known_as, key=key).status == 404
        asked = {**MODEL, "input": "x", "previous_response_id": known_as}
        message = f"Previous response with id '{known_as}' not found."
        refused = ask(app, "POST", PATH, asked, key=key)
        assert refused.error()[:3] == (400, message, "previous_response_id")


def test_a_request_is_checked_before_its_response_is_looked_for() -> None:
    app = emulator.build()
    wrong = {**MODEL, "input": "x", "previous_response_id": "resp_1"}
    assert post(app, PATH, **wrong, temperature=3).error()[2] == "temperature"
    both = post(app, PATH, **wrong, conversation="conv_1")
    assert both.error()[3] == "mutually_exclusive_parameters"
    number = post(app, PATH, **{**wrong, "previous_response_id": 7})
    assert number.error()[2:] == ("previous_response_id", "invalid_type")


@pytest.mark.parametrize("path", ["compact", "input_tokens"])
def test_the_paths_below_know_it_too(path: str) -> None:
    app = emulator.build()
    first = respond(app, "one two three")
    body = {**MODEL, "input": "four"}
    alone = post(app, f"{PATH}/{path}", **body).json()
    continued = post(app, f"{PATH}/{path}", **body, previous_response_id=first["id"]).json()
    counts = [each.get("usage", each)["input_tokens"] for each in (alone, continued)]
    assert counts[1] > counts[0] + first["usage"]["input_tokens"]


@pytest.mark.parametrize(
    ("bound", "most"), [("MOST_RESPONSES", 2), ("MOST_ITEMS", 5), ("MOST_BYTES", 200)]
)
def test_the_oldest_are_forgotten(bound: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_responses, bound, most)
    kept = KeptResponses()
    for known_as in ("a", "b", "c"):
        asked = [{"role": "user", "content": "x" * 20}]
        kept.keep({"id": known_as, "output": [{"id": f"item_{known_as}"}]}, (), asked)
    assert [kept.one(each)["id"] for each in ("b", "c")] == ["b", "c"]
    with pytest.raises(Refused, match="'a' not found"):
        kept.one("a")
    kept.keep({"id": "huge", "output": [{"id": "x" * 200}] * 6}, (), ())
    if bound != "MOST_RESPONSES":
        with pytest.raises(Refused):
            kept.one("huge")
