"""One system message is left in a responses request, after a template has refused several."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.resolve.refusals.classify import classify
from gateway.resolve.refusals.history.responses_system import with_one_instruction
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.fakes import Answer, FakeReply, json_reply, stream_reply
from tests.resolve.refusals.history.test_template_words import FIRST, SERVERS, Server

IMAGE: Json = {"type": "input_image", "image_url": "https://x/y.png"}


def text(said: str) -> Json:
    return {"type": "input_text", "text": said}


def item(role: str, content: Any, **more: Any) -> Json:
    return {"type": "message", "role": role, "content": content, **more}


HI = item("user", "Hi")
LATE = item("developer", [text("c"), IMAGE], id="msg_1")
USERS = item("user", [text("<system>\nc\n</system>"), IMAGE], id="msg_1")
BODIES: dict[str, tuple[Json, Json]] = {
    "with instructions": (
        {
            "instructions": "a",
            "input": [item("developer", [text("b"), text("b2")]), item("system", "b3"), HI, LATE],
        },
        {"instructions": "a\n\nb\n\nb2\n\nb3", "input": [HI, USERS]},
    ),
    "without": (
        {"input": [item("developer", [text("a")], id="m"), item("system", "b"), HI, LATE]},
        {"input": [item("developer", "a\n\nb", id="m"), HI, USERS]},
    ),
    "none": ({"instructions": None, "input": [HI]}, {"instructions": None, "input": [HI]}),
    "not only text": (
        {"instructions": "a", "input": [LATE]},
        {"instructions": "a", "input": [USERS]},
    ),
    "a later response": (
        {"previous_response_id": "r", "instructions": "a", "input": [item("system", "b"), HI]},
        {
            "previous_response_id": "r",
            "instructions": "a",
            "input": [item("user", "<system>\nb\n</system>"), HI],
        },
    ),
    "odd": (
        {"input": [item("system", 5), item("system", ["x"]), 5, {"type": "reasoning"}]},
        {"input": [item("user", 5), item("user", ["x"]), 5, {"type": "reasoning"}]},
    ),
    "nothing else": ({"input": [item("system", [text("a")])]}, {"input": [item("system", "a")]}),
    "a text": ({"instructions": "a", "input": "Hi"}, {"instructions": "a", "input": "Hi"}),
}


@pytest.mark.parametrize(("given", "sent"), BODIES.values(), ids=BODIES.keys())
def test_others_join_it_or_are_the_users(given: Json, sent: Json) -> None:
    before, body = deepcopy(given), dict(given)
    with_one_instruction(body)
    assert body == sent
    assert given == before
    with_one_instruction(body)
    assert body == sent


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("status", [400, 500])
def test_a_templates_refusal_is_known_at_responses(server: Server, status: int) -> None:
    refusal = classify(Shape.RESPONSES, status, server(FIRST), model="m", sent={"input"})
    assert refusal.fixes == (ParameterFix("fill", "input[role]"),)
    assert refusal.model_is_here


DONE: Json = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m",
    "output": [],
}
END: Json = {"type": "response.completed", "response": DONE}
TURN: Json = {
    "instructions": "You are Codex.",
    "input": [item("developer", [text("Sandbox.")]), HI, item("developer", [text("Plan only.")])],
}


@pytest.mark.parametrize("streamed", [False, True])
def test_codex_reaches_such_a_model_at_responses(*, streamed: bool) -> None:
    sent: list[Any] = []

    def lm_studio(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        body = msgspec.json.decode(call.body)
        sent.append(body)
        if body["input"] == "Hi":
            return json_reply(DONE)
        items = [{"role": "system"}] * bool(body.get("instructions")) + body["input"]
        if all(each.get("role") not in ("system", "developer") for each in items[1:]):
            return stream_reply(END, done=False) if streamed else json_reply(DONE)
        error = msgspec.json.encode({"error": {"message": f"Jinja Exception: {FIRST}"}})
        return FakeReply(500, ((b"content-type", b"application/json"),), (error,))

    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.LMSTUDIO)
    stage = Scene(lm_studio, upstream, rules=(ModelRule("m", endpoints=(Shape.RESPONSES,)),))
    for attempts in (2, 1):
        sent.clear()
        served = stage.generate(Shape.RESPONSES, {"model": "m", "stream": streamed, **TURN})
        assert (served.reply.status, len(sent)) == (200, attempts)
        assert "changed=input[role]:system->system+user" in served.decision.translation
    assert sent[-1]["instructions"] == "You are Codex.\n\nSandbox."
    assert sent[-1]["input"] == [HI, item("user", [text("<system>\nPlan only.\n</system>")])]
    plain = stage.generate(Shape.RESPONSES, {"model": "m", "input": "Hi"})
    assert "changed" not in plain.decision.translation
