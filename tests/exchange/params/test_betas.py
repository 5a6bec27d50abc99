"""Betas that a server refuses: left out of the field, and remembered; the body stays as it is."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.exchange.decision import Decision
from gateway.exchange.params.betas import headers_without_betas, without_betas
from gateway.request import GenerationRequest
from gateway.resolve.refusals.betas import betas_in
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import ClientHeaders, RawHeaders, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, Scene
from tests.exchange.test_retries import ASKED, REPLIES
from tests.fakes import Answer, json_reply
from tests.translate.messages_upstreams import error_event

CHAT, MESSAGES, RESPONSES = Shape.CHAT, Shape.MESSAGES, Shape.RESPONSES
GIVEN = b"claude-code-20250219,effort-2025-11-24,tool-examples-2025-10-29"
HEADERS: RawHeaders = (*ALICE, (b"anthropic-beta", GIVEN), (b"anthropic-version", b"2023-06-01"))
NAMED = "Unexpected value(s) %s for the `anthropic-beta` header. Please consult our documentation."
Server = Callable[[UpstreamCall], Answer]


def refusing(*refused: str, says: str = "") -> Server:
    """Answer as Vertex or Bedrock, whose Claude lacks these betas."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        lacking = [f"`{beta}`" for beta in betas_in(call.client_headers) if beta in refused]
        if lacking:
            words = says or NAMED % ", ".join(lacking)
            return json_reply(error_event("invalid_request_error", words), 400)
        return json_reply(REPLIES[call.path])

    return answer


def scene(server: Server, home: Shape = MESSAGES, *, fast: bool = True) -> Scene:
    kind = kinds.ANTHROPIC if home is MESSAGES else kinds.OTHER
    upstream = UpstreamSettings("main", "http://127.0.0.1:8000/v1", kind)
    rules = (ModelRule("m", endpoints=(home,)),)
    return Scene(server, upstream, rules=rules, performance=PerformanceSettings(fast_paths=fast))


def sent(stage: Scene) -> list[str]:
    return betas_in(stage.network.calls[-1].client_headers)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    ("client", "home"),
    [(MESSAGES, MESSAGES), (CHAT, MESSAGES), (RESPONSES, MESSAGES), (CHAT, CHAT)],
)
def test_refused_betas_are_left_out_from_then_on(client: Shape, home: Shape, fast: bool) -> None:
    async def scenario() -> None:
        stage = scene(refusing("effort-2025-11-24"), home, fast=fast)
        raw = msgspec.json.encode({"model": "m", **ASKED[client]})
        for attempts in (2, 1, 1):
            result = await stage.call(client, raw, HEADERS)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert sent(stage) == ["claude-code-20250219", "tool-examples-2025-10-29"]
            report = dict(result.decision.headers())[b"x-gateway-translation"].decode()
            assert f"from={client}; to={home}; dropped=anthropic-beta[effort-2025-11-24]" in report
            if client is home:
                assert stage.network.calls[-1].body == raw
        # Who names none of them gets what the endpoint gives, without a word on it.
        plain = await stage.call(client, raw, ALICE)
        assert (plain.reply.status, plain.decision.attempts) == (200, 1)
        assert "beta" not in str(plain.decision.headers())

    asyncio.run(scenario())


def test_where_no_name_is_said_all_are_left_out() -> None:
    async def scenario() -> None:
        stage = scene(refusing("effort-2025-11-24", says="invalid beta flag"))
        for attempts in (2, 1):
            result = await stage.call(MESSAGES, {"model": "m", **ASKED[MESSAGES]}, HEADERS)
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert sent(stage) == []
            report = dict(result.decision.headers())[b"x-gateway-translation"]
            dropped = b",".join(b"anthropic-beta[%s]" % beta for beta in GIVEN.split(b","))
            assert report == b"from=messages; to=messages; dropped=" + dropped

    asyncio.run(scenario())


def test_who_sends_others_keeps_what_was_refused_without_a_name() -> None:
    """What was refused is one of them: the context of a million tokens need not be."""

    async def scenario() -> None:
        stage = scene(refusing("effort-2025-11-24", says="invalid beta flag"))
        body = {"model": "m", **ASKED[MESSAGES]}

        async def sends(given: bytes, attempts: int, kept: list[str], said: str) -> None:
            result = await stage.call(MESSAGES, body, (*ALICE, (b"anthropic-beta", given)))
            assert (result.reply.status, result.decision.attempts) == (200, attempts)
            assert sent(stage) == kept
            report = dict(result.decision.headers()).get(b"x-gateway-translation", b"").decode()
            assert report.partition("dropped=")[2] == said

        both = b"context-1m-2025-08-07,effort-2025-11-24"
        dropped = "anthropic-beta[context-1m-2025-08-07],anthropic-beta[effort-2025-11-24]"
        await sends(both, 2, [], dropped)
        await sends(b"context-1m-2025-08-07", 1, ["context-1m-2025-08-07"], "")
        await sends(b"a-1," + both, 1, ["a-1"], dropped)
        effort = "anthropic-beta[effort-2025-11-24]"
        await sends(b"effort-2025-11-24", 2, [], effort)
        await sends(both, 1, ["context-1m-2025-08-07"], effort)

    asyncio.run(scenario())


def test_betas_that_are_refused_one_after_the_other_all_go() -> None:
    def answer(call: UpstreamCall) -> Answer:
        names = betas_in(call.client_headers)
        return refusing(*names[1:2])(call)

    result = scene(answer).generate(MESSAGES, {"model": "m", **ASKED[MESSAGES]}, headers=HEADERS)
    assert (result.reply.status, result.decision.attempts) == (200, 3)
    report = dict(result.decision.headers())[b"x-gateway-translation"]
    assert report.endswith(
        b"dropped=anthropic-beta[effort-2025-11-24],anthropic-beta[tool-examples-2025-10-29]"
    )


def test_a_refusal_that_stays_is_the_answer() -> None:
    refusal = error_event("invalid_request_error", "invalid beta flag")
    stage = scene(lambda _: json_reply(refusal, 400))
    result = stage.generate(MESSAGES, {"model": "m", **ASKED[MESSAGES]}, headers=HEADERS)
    assert (result.reply.status, result.json, result.decision.attempts) == (400, refusal, 2)


def test_other_fixes_stay_and_other_fields_too() -> None:
    tuning, beta = ParameterFix("drop", "top_k"), ParameterFix("beta", "anthropic-beta", given="x")
    call = GenerationRequest.at(MESSAGES, b"{}", ClientHeaders(HEADERS))
    decision = Decision()
    assert without_betas(call, MESSAGES, (tuning, beta), decision) == (call, (tuning,))
    assert decision.params is None
    first = ParameterFix("beta", "anthropic-beta", given="claude-code-20250219")
    kept, left_out = headers_without_betas(HEADERS, (tuning, first))
    assert left_out == ["anthropic-beta[claude-code-20250219]"]
    assert set(kept) == {
        *HEADERS[:1],
        (b"anthropic-beta", b"effort-2025-11-24,tool-examples-2025-10-29"),
        *HEADERS[2:],
    }
    together = ParameterFix("beta", "anthropic-beta", to="claude-code-20250219")
    assert headers_without_betas(ALICE, (together,)) == (ALICE, [])
