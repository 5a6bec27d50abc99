"""Efforts that a model refuses: the nearest that it names takes their place, at every endpoint."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_retries import ASKED, REPLIES, sent
from tests.fakes import Answer, error_reply, json_reply

CHAT, RESPONSES, MESSAGES = Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES
MODEL = "claude-opus-4-8"
TAKEN = ("low", "medium", "high")
OPENAIS = "Supported values are: 'low', 'medium', and 'high'."
TEXTS: dict[Shape, str] = {
    CHAT: f"Unsupported value: 'reasoning_effort' does not support '%s' with this model. {OPENAIS}",
    RESPONSES: f"Unsupported value: '%s' is not supported with the 'gpt-5.1' model. {OPENAIS}",
    MESSAGES: (
        f'output_config.effort "%s" is not supported by model {MODEL}; '
        "supported values: [low medium high]"
    ),
}
PARAMS = {CHAT: "reasoning_effort", RESPONSES: "reasoning.effort", MESSAGES: None}
PAIRS = [(client, home) for client in PARAMS for home in PARAMS]


def asked(client: Shape, effort: str) -> Json:
    by_client: dict[Shape, Json] = {
        CHAT: {"reasoning_effort": effort},
        RESPONSES: {"reasoning": {"effort": effort, "summary": "auto"}},
        MESSAGES: {"output_config": {"effort": effort}},
    }
    return by_client[client]


def effort_in(body: Json) -> Any:
    if "reasoning_effort" in body:
        return body["reasoning_effort"]
    return (body.get("reasoning") or body.get("output_config") or {}).get("effort")


def answer(call: UpstreamCall) -> Answer:
    if call.method == "GET":
        return json_reply({"data": []})
    home = next(shape for shape in PARAMS if shape.path == call.path)
    effort = effort_in(sent(call))
    if effort in (None, *TAKEN):
        return json_reply(REPLIES[call.path])
    return error_reply(400, TEXTS[home] % effort, param=PARAMS[home])


def scene(home: Shape, *, fast: bool) -> Scene:
    kind = kinds.ANTHROPIC if home is MESSAGES else kinds.OTHER
    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kind)
    rules = (ModelRule(MODEL, endpoints=(home,)),)
    return Scene(answer, upstream, rules=rules, performance=PerformanceSettings(fast_paths=fast))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("effort", "nearest"), [("max", "high"), ("minimal", "low")])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_refused_effort_becomes_the_nearest_that_the_refusal_names(
    client: Shape, home: Shape, effort: str, nearest: str, *, stream: bool, fast: bool
) -> None:
    async def scenario() -> None:
        stage = scene(home, fast=fast)
        body = {"model": MODEL, "stream": stream, **ASKED[client], **asked(client, effort)}
        first = await stage.call(client, body)
        efforts = [effort_in(each) for each in stage.network.bodies()]
        assert first.reply.status == 200
        assert efforts[-1] == nearest
        assert f"effort:{effort}->{nearest}" in first.decision.translation
        stage.clock.advance(2)
        again = await stage.call(client, body)
        assert again.decision.attempts == 1
        assert again.decision.translation == first.decision.translation
        assert effort_in(stage.network.bodies()[-1]) == nearest
        # Others are what the client has asked for.
        await stage.call(client, {**body, **asked(client, "medium")})
        assert effort_in(stage.network.bodies()[-1]) == "medium"

    asyncio.run(scenario())


@pytest.mark.parametrize("client", PARAMS)
@pytest.mark.parametrize("home", PARAMS)
@pytest.mark.parametrize(
    "said",
    [
        "{name}='{effort}' is not supported for this model. Supported values: ['low', 'high'].",
        "Validation error for `{name}`: expected one of 'low' | 'high', received '{effort}'.",
        "This model always engages in thinking and cannot be disabled; please use low, or high.",
    ],
)
def test_so_it_does_in_other_words(client: Shape, home: Shape, said: str) -> None:
    def refuse(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        effort = effort_in(sent(call))
        if effort in (None, "low", "high"):
            return json_reply(REPLIES[call.path])
        name = PARAMS[home] or "output_config.effort"
        return error_reply(400, said.format(name=name, effort=effort), code="3051")

    async def scenario() -> None:
        stage = scene(home, fast=True)
        stage.network.answer = refuse
        body = {"model": MODEL, **ASKED[client], **asked(client, "xhigh")}
        for attempts in (2, 1):
            result = await stage.call(client, body)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert effort_in(stage.network.bodies()[-1]) == "high"
            stage.clock.advance(2)

    asyncio.run(scenario())


@pytest.mark.parametrize("home", [CHAT, RESPONSES])
def test_thinking_that_cannot_be_switched_off_is_as_little_as_there_is(home: Shape) -> None:
    stage = scene(home, fast=True)
    body = {"model": MODEL, **ASKED[MESSAGES], "thinking": {"type": "disabled"}}
    result = stage.generate(MESSAGES, body)
    assert effort_in(stage.network.bodies()[-1]) == "low"
    assert "thinking:none->low" in result.decision.translation


VERBOSITIES: dict[Shape, str] = {CHAT: "verbosity", RESPONSES: "text.verbosity"}


def verbose(client: Shape, value: str) -> Json:
    return {"verbosity": value} if client is CHAT else {"text": {"verbosity": value}}


def verbosity_in(body: Json) -> Any:
    return body.get("verbosity") or body.get("text", {}).get("verbosity")


def taciturn(call: UpstreamCall) -> Answer:
    if call.method == "GET":
        return json_reply({"data": []})
    home = next(shape for shape in VERBOSITIES if shape.path == call.path)
    value = verbosity_in(sent(call))
    if value in (None, "low", "medium"):
        return json_reply(REPLIES[call.path])
    said = (
        f"Unsupported value: '{value}' is not supported with the 'gpt-9' model. "
        "Supported values are: 'low' and 'medium'."
    )
    return error_reply(400, said, param=VERBOSITIES[home], code="unsupported_value")


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("client", VERBOSITIES)
@pytest.mark.parametrize("home", VERBOSITIES)
def test_so_does_a_refused_verbosity(
    client: Shape, home: Shape, *, stream: bool, fast: bool
) -> None:
    async def scenario() -> None:
        upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
        rules = (ModelRule("gpt-9", endpoints=(home,)),)
        performance = PerformanceSettings(fast_paths=fast)
        stage = Scene(taciturn, upstream, rules=rules, performance=performance)
        body = {"model": "gpt-9", "stream": stream, **ASKED[client], **verbose(client, "high")}
        for attempts in (2, 1):
            result = await stage.call(client, body)
            assert result.decision.attempts == attempts
            assert verbosity_in(stage.network.bodies()[-1]) == "medium"
            assert f"{VERBOSITIES[client]}:high->medium" in result.decision.translation
        await stage.call(client, {**body, **verbose(client, "low")})
        assert verbosity_in(stage.network.bodies()[-1]) == "low"

    asyncio.run(scenario())


def opus_5(call: UpstreamCall) -> Answer:
    """Take no effort above `high` without thinking (anthropics/claude-code#81084)."""
    if call.method == "GET":
        return json_reply({"data": []})
    body = sent(call)
    effort = effort_in(body)
    if effort in ("xhigh", "max") and body["thinking"]["type"] == "disabled":
        return error_reply(
            400,
            f"output_config.effort '{effort}' is not supported when thinking is disabled on this "
            "model. Use effort 'high' or below, or enable thinking.",
        )
    return json_reply(REPLIES[call.path])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("effort", ["xhigh", "max"])
@pytest.mark.parametrize("client", PARAMS)
def test_an_effort_that_needs_thinking_is_lowered_for_the_request_without_it_alone(
    client: Shape, effort: str, *, stream: bool
) -> None:
    async def scenario() -> None:
        upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.ANTHROPIC)
        rules = (ModelRule("claude-opus-5", endpoints=(MESSAGES,)),)
        stage = Scene(opus_5, upstream, rules=rules)
        body = {
            "model": "claude-opus-5",
            "stream": stream,
            **ASKED[client],
            **asked(client, effort),
        }
        for attempts in (2, 1):
            unthinking = await stage.call(client, {**body, "thinking": {"type": "disabled"}})
            lowered = stage.network.bodies()[-1]
            assert (effort_in(lowered), lowered["thinking"]) == ("high", {"type": "disabled"})
            assert f"effort:{effort}->high" in unthinking.decision.translation
            assert unthinking.decision.attempts == attempts
            thinking = await stage.call(client, {**body, "thinking": {"type": "adaptive"}})
            assert thinking.decision.attempts == 1
            assert effort_in(stage.network.bodies()[-1]) == effort
            assert "high" not in thinking.decision.translation

    asyncio.run(scenario())


def groqs(call: UpstreamCall) -> Answer:
    """Answer as Groq, whose Qwen thinks or does not; the text leaves out what was refused."""
    if call.method == "GET":
        return json_reply({"data": []})
    effort = effort_in(sent(call))
    if effort in (None, "none", "default"):
        return json_reply(REPLIES[call.path])
    return error_reply(
        400, "`reasoning_effort` must be one of `none` or `default`", param="reasoning_effort"
    )


def openais(call: UpstreamCall) -> Answer:
    """Answer as OpenAI does where its schema lacks an effort; the code is that of any value."""
    if call.method == "GET":
        return json_reply({"data": []})
    effort = effort_in(sent(call))
    if effort in (None, *TAKEN):
        return json_reply(REPLIES[call.path])
    said = f"Invalid value: '{effort}'. {OPENAIS}"
    param = "reasoning_effort" if call.path == CHAT.path else "reasoning.effort"
    return error_reply(400, said, param=param, code="invalid_value")


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("server", "home", "effort", "had"),
    [
        (groqs, CHAT, "high", None),
        (groqs, CHAT, "none", "none"),
        (openais, CHAT, "xhigh", "high"),
        (openais, RESPONSES, "xhigh", "high"),
        (openais, RESPONSES, "minimal", "low"),
    ],
)
@pytest.mark.parametrize("client", PARAMS)
def test_an_effort_is_understood_as_refused_by_the_words_that_are_taken(
    client: Shape,
    server: Callable[[UpstreamCall], Answer],
    home: Shape,
    effort: str,
    had: str | None,
    *,
    stream: bool,
    fast: bool,
) -> None:
    async def scenario() -> None:
        upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.OTHER)
        rules = (ModelRule(MODEL, endpoints=(home,)),)
        performance = PerformanceSettings(fast_paths=fast)
        stage = Scene(server, upstream, rules=rules, performance=performance)
        body = {"model": MODEL, "stream": stream, **ASKED[client], **asked(client, effort)}
        for attempts in (1, 1) if effort == had else (2, 1):
            result = await stage.call(client, body)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert effort_in(stage.network.bodies()[-1]) == had
            assert ("effort" in result.decision.translation) == (effort != had)

    asyncio.run(scenario())


QWENS = "Unexpected reasoning effort %s. Supported types are xhigh (default), medium, and low."
AT = {CHAT: "qwen", RESPONSES: "qwen-r", MESSAGES: "qwen-m"}
QWEN = tuple(ModelRule(name, endpoints=(home,)) for home, name in AT.items())


def of_template(*, raised: bool) -> Callable[[UpstreamCall], Answer]:
    """Return a server that answers with 500 to what Qwen's template refuses.

    `raised` is whether it makes `high` of `xhigh`, as Ollama's messages do.
    """

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        effort = effort_in(sent(call))
        seen = "high" if raised and effort == "xhigh" else effort
        if seen in (None, "xhigh", "medium", "low"):
            return json_reply(REPLIES[call.path])
        said = {"type": "internal_error", "message": QWENS % seen}
        return json_reply({"type": "error", "error": said}, 500)

    return answer


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("raised", [True, False])
@pytest.mark.parametrize(
    ("client", "home"),
    [(MESSAGES, MESSAGES), *((client, home) for client in PARAMS for home in (CHAT, RESPONSES))],
)
def test_an_effort_that_a_chat_template_refuses_is_no_fault_of_the_server(
    client: Shape, home: Shape, *, raised: bool, stream: bool, fast: bool
) -> None:
    async def scenario() -> None:
        upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kinds.VLLM)
        performance = PerformanceSettings(fast_paths=fast)
        stage = Scene(of_template(raised=raised), upstream, rules=QWEN, performance=performance)
        body = {"model": AT[home], "stream": stream, **ASKED[client], **asked(client, "high")}
        for attempts in (3 if raised else 2, 1):
            result = await stage.call(client, body)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert effort_in(stage.network.bodies()[-1]) == (None if raised else "xhigh")
            said = "effort" if raised else "effort:high->xhigh"
            assert said in result.decision.translation
            assert ("dropped=" in result.decision.translation) >= raised
        # What the model takes is what the client has asked for.
        await stage.call(client, {**body, **asked(client, "low")})
        assert effort_in(stage.network.bodies()[-1]) == "low"

    asyncio.run(scenario())
