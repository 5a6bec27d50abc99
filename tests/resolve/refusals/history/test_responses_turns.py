"""Roles alternate in a responses request, after a template has refused that they do not."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.resolve.refusals.classify import classify
from gateway.resolve.refusals.history.responses_turns import with_alternating_messages
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.fakes import Answer, FakeReply, json_reply
from tests.resolve.refusals.history.test_alternating_roles import MISTRAL, TEXTS
from tests.resolve.refusals.history.test_responses_system import DONE, IMAGE, item, text

CALL: Json = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT: Json = {"type": "function_call_output", "call_id": "c", "output": "denied"}
SAID: Json = {"type": "output_text", "text": "a"}
ANSWER = item("assistant", [{"type": "output_text", "text": "Done."}])
INPUTS: dict[str, tuple[list[Any], list[Any]]] = {
    "users": (
        [item("user", "a"), item("user", [text("b"), IMAGE]), {"role": "user", "content": "c"}],
        [item("user", [text("a"), text("b"), IMAGE, text("c")])],
    ),
    "assistants": (
        [item("assistant", "a", id="m"), item("assistant", [SAID]), item("user", "b")],
        [item("assistant", [SAID, SAID], id="m"), item("user", "b")],
    ),
    "the user after an output": (
        [CALL, OUTPUT, item("user", "a"), item("user", "b")],
        [CALL, OUTPUT, ANSWER, item("user", [text("a"), text("b")])],
    ),
    "items between": (
        [item("user", "a"), {"type": "reasoning"}, CALL, OUTPUT, item("assistant", "b")],
        [item("user", "a"), {"type": "reasoning"}, CALL, OUTPUT, item("assistant", "b")],
    ),
    "systems": (
        [item("system", "s"), item("user", "a"), item("developer", "t")],
        [item("system", "s"), item("user", [text("a"), text("<system>\nt\n</system>")])],
    ),
    "odd": (
        [5, "a", item("user", 5), item("user", None)],
        [5, "a", item("user", 5), item("user", None)],
    ),
}


@pytest.mark.parametrize(("given", "sent"), INPUTS.values(), ids=INPUTS.keys())
def test_rows_become_one_message(given: list[Any], sent: list[Any]) -> None:
    before, body = deepcopy(given), {"input": given}
    for _ in range(2):
        with_alternating_messages(body)
        assert body == {"input": sent}
    assert given == before


def test_a_text_stays() -> None:
    body: Json = {"input": "Hi"}
    with_alternating_messages(body)
    assert body == {"input": "Hi"}


@pytest.mark.parametrize("message", TEXTS)
@pytest.mark.parametrize("status", [400, 500])
def test_the_words_are_known_at_responses(message: str, status: int) -> None:
    body = {"error": {"message": message, "type": "server_error"}}
    refusal = classify(Shape.RESPONSES, status, body, model="m", sent={"input"})
    assert refusal.fixes == (ParameterFix("fill", "input[message]"),)


GOT_SYSTEM = "Only user, assistant and tool roles are supported, got system."


def mistral(call: UpstreamCall) -> Answer:
    """Answer as LM Studio with Mistral's template."""
    if call.method == "GET":
        return json_reply({"data": []})
    assert isinstance(call.body, bytes)
    body = msgspec.json.decode(call.body)
    roles = [each["role"] for each in body["input"] if "role" in each]
    refusal = ""
    if "developer" in roles:
        refusal = GOT_SYSTEM
    elif any(role != ("user", "assistant")[at % 2] for at, role in enumerate(roles)):
        refusal = MISTRAL
    if not refusal:
        return json_reply(DONE)
    text = f'Error rendering prompt with jinja template: "{refusal}".'
    error = msgspec.json.encode({"error": text})
    return FakeReply(500, ((b"content-type", b"application/json"),), (error,))


def test_codex_goes_on_with_such_a_model() -> None:
    turn: Json = {
        "model": "m",
        "instructions": "You are Codex.",
        "input": [
            item("developer", [text("Sandbox.")]),
            *(item("user", [text(each)]) for each in "ab"),
            CALL,
            OUTPUT,
            item("user", [text("c")]),
        ],
    }
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.LMSTUDIO)
    stage = Scene(mistral, upstream, rules=(ModelRule("m", endpoints=(Shape.RESPONSES,)),))
    for attempts in (3, 1):
        served = stage.generate(Shape.RESPONSES, turn)
        assert (served.reply.status, served.decision.attempts) == (200, attempts)
        changes = "input[role]:system->system+user,input[message]:repeated->joined"
        assert f"changed={changes}" in served.decision.translation
