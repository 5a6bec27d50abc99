"""What one attempt sends."""

import asyncio
import json
import threading
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import cast

import pytest
from msgspec import structs

from gateway.config.settings import (
    ClientSettings,
    ModelRule,
    PerformanceSettings,
    Settings,
    UpstreamSettings,
)
from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.exchange import attempt, repeats
from gateway.exchange.attempt import Attempt, Attempts
from gateway.exchange.bodies import body_reader
from gateway.exchange.bodies.apart import LARGE_BYTES
from gateway.exchange.bodies.request_fields import MOST_AT_ONCE, check_encoding
from gateway.exchange.stored.seals import Seals
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route, Source
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.servers import Profile
from gateway.shapes import CallTimeouts, Shape
from tests import kinds
from tests.exchange.scene import Scene
from tests.fakes import error_reply, json_reply

OPENAI = UpstreamSettings("openai", "https://api.openai.com/v1", kinds.OPENAI)
ROUTE = Route("openai", "m", "m", kinds.OPENAI, Shape.CHAT, (Shape.CHAT,), Source.CATALOGUE)
BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}'
CALL = GenerationRequest.at(Shape.CHAT, BODY, query=b"a=1")


def attempts() -> Attempts:
    return Attempts(Settings((OPENAI,)), lambda: 1_795_000_000.5)


def test_the_same_shape_and_name_are_the_clients_own_bytes() -> None:
    attempt = attempts().build(CALL, ROUTE, Shape.CHAT, ())
    (call,) = attempt.calls
    assert call.body is BODY
    assert (call.path, call.query, attempt.translation) == ("/chat/completions", b"a=1", None)


@pytest.mark.parametrize(
    ("client", "home", "query"),
    [
        (Shape.CHAT, Shape.RESPONSES, b"beta=true"),
        (Shape.MESSAGES, Shape.MESSAGES, b"beta=true"),
        (Shape.MESSAGES, Shape.CHAT, b""),
        (Shape.CHAT, Shape.MESSAGES, b""),
    ],
)
def test_a_query_stays_with_its_maker(client: Shape, home: Shape, query: bytes) -> None:
    body = BODY.replace(b"5", b"50")
    asked = GenerationRequest.at(client, body, query=b"beta=true")
    (call,) = attempts().build(asked, replace(ROUTE, shape=home), home, ()).calls
    assert call.query == query


def large(shape: Shape) -> GenerationRequest:
    """Return a request of many turns, for which `built` takes its thread."""
    items = [{"role": "user", "content": "é" * 100}, {"role": "assistant", "content": "b"}] * 2_000
    name = "input" if shape is Shape.RESPONSES else "messages"
    body = {"model": "m", "max_tokens": 5, name: [*items, items[0]]}
    if shape is Shape.RESPONSES:
        del body["max_tokens"]
    return GenerationRequest.at(shape, json.dumps(body, ensure_ascii=False).encode())


@pytest.mark.parametrize("fast_paths", [True, False])
@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES], ids=str)
@pytest.mark.parametrize("home", [Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES], ids=str)
def test_large_requests_are_built_alike(client: Shape, home: Shape, *, fast_paths: bool) -> None:
    settings = Settings((OPENAI,), performance=PerformanceSettings(fast_paths=fast_paths))
    made, call = Attempts(settings, lambda: 1_795_000_000.5), large(client)
    assert len(call.body) > LARGE_BYTES
    route = replace(ROUTE, shape=home)

    async def built() -> Attempt:
        attempt = await made.build_apart(call, route, home, ())
        await made.learn_names(call, attempt)
        assert (await made.bodies.fields(call.body)).model == "m"
        return attempt

    attempt, at_once = asyncio.run(built()), made.build(call, route, home, ())
    assert [sent.body for sent in attempt.calls] == [sent.body for sent in at_once.calls]
    assert attempt.client_param(0, "model") == at_once.client_param(0, "model") == "model"


def test_a_fault_in_a_large_request_is_refused() -> None:
    call = large(Shape.CHAT)
    odd = structs.replace(call, body=call.body.replace(b'"max_tokens": 5', b'"max_tokens": "5"'))
    with pytest.raises(InvalidRequest) as refused:
        asyncio.run(attempts().build_apart(odd, ROUTE, Shape.RESPONSES, ()))
    assert refused.value.param == "max_tokens"
    with pytest.raises(InvalidRequest):
        asyncio.run(attempts().bodies.fields(b"{" + call.body * 4))


@pytest.mark.parametrize("megabytes", [0, 1])
def test_many_bytes_are_checked_for_their_encoding_beside_the_event_loop(
    megabytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def check(body: bytes) -> None:
        threads.append(threading.current_thread())
        check_encoding(body)

    for module in (attempt, body_reader):
        monkeypatch.setattr(module, "check_encoding", check)
    text = b"x" * megabytes * MOST_AT_ONCE
    made = attempts()
    for end, is_fine in ((b"\xc3\xa9", True), (b"\xc3", False)):
        body = b'{"model": "m", "messages": [{"role": "user", "content": "%b"}]}' % (text + end)
        call = GenerationRequest.at(Shape.CHAT, body)
        for checked in (made.build_apart(call, ROUTE, Shape.CHAT, ()), made.bodies.checked(call)):
            with nullcontext() if is_fine else pytest.raises(InvalidRequest, match="UTF-8"):
                asyncio.run(checked)
    assert len(threads) == 4
    assert all((thread is threading.main_thread()) is (not megabytes) for thread in threads)


@pytest.mark.parametrize("megabytes", [0, 1])
def test_a_body_is_checked_for_its_encoding_once(
    megabytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[bytes] = []
    for module in (attempt, body_reader, repeats):
        monkeypatch.setattr(module, "check_encoding", checked.append)
    text = "é" + "x" * megabytes * MOST_AT_ONCE
    rules = (ModelRule("m", endpoints=(Shape.CHAT,)),)
    scene = Scene(lambda _: json_reply({"choices": []}), rules=rules)
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    for times in (1, 2):
        # Its route is found first, and then is known.
        assert scene.generate(Shape.CHAT, body).reply.status == 200
        assert len(checked) == times


def test_the_names_in_a_large_request_are_judged() -> None:
    for models, allowed in ((("m",), True), (("a",), False)):
        client = ClientSettings("team", ("0" * 64,), models)
        call = structs.replace(large(Shape.CHAT), client=client)
        refused = False
        try:
            asyncio.run(attempts().check_names(call))
        except PermissionDenied:
            refused = True
        assert refused is not allowed


def test_the_names_of_what_is_sent_are_skimmed() -> None:
    body = BODY.replace(
        b"}", b', "text": {"format": {"type": "a"}, "verbosity": "low"}, "n": null}'
    )
    attempt = attempts().build(structs.replace(CALL, body=body), ROUTE, Shape.CHAT, ())
    assert attempt.sent == [
        {"model", "messages", "max_tokens", "text", "text.format", "text.verbosity", "n"}
    ]


@pytest.mark.parametrize("fast_paths", [True, False])
def test_fast_paths_are_taken_unless_they_are_turned_off(*, fast_paths: bool) -> None:
    settings = Settings((OPENAI,), performance=PerformanceSettings(fast_paths=fast_paths))
    made = Attempts(settings, lambda: 1_795_000_000.5)
    elsewhere = replace(ROUTE, shape=Shape.RESPONSES)
    asked = BODY.replace(b"5", b"50")
    whole = made.build(GenerationRequest.at(Shape.CHAT, asked), elsewhere, Shape.RESPONSES, ())
    assert (whole.fast is not None) is fast_paths
    assert whole.translation is not None
    streamed = GenerationRequest.at(Shape.CHAT, asked.replace(b"{", b'{"stream": true, ', 1))
    stream = made.build(streamed, elsewhere, Shape.RESPONSES, ())
    assert (stream.fast is not None) is fast_paths
    assert stream.text_deltas is fast_paths
    assert stream.reported == 0
    asks = b'{"stream": true, "moderation": {}, '
    odd = GenerationRequest.at(Shape.CHAT, asked.replace(b"{", asks, 1))
    generic = made.build(odd, elsewhere, Shape.RESPONSES, ())
    assert generic.fast is None
    assert generic.text_deltas is fast_paths
    renamed = made.build(streamed, replace(ROUTE, model_sent="other"), Shape.CHAT, ())
    assert not renamed.text_deltas


@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.VLLM])
def test_a_session_is_sent_where_it_is_taken(kind: Profile) -> None:
    def build(session: bytes) -> Attempt:
        headers = ((b"x-claude-code-session-id", session),)
        call = GenerationRequest.at(Shape.MESSAGES, BODY, headers)
        made = attempts().build(call, replace(ROUTE, kind=kind), Shape.CHAT, ())
        assert made.fast is not None
        return made

    keys = {
        json.loads(cast("bytes", build(session).calls[0].body)).get("prompt_cache_key")
        for session in (b"s-1", b"s-2", b"")
    }
    assert len(keys) == (3 if kind is kinds.OPENAI else 1)


def test_a_common_request_has_the_callers_seal_for_an_uncommon_reply() -> None:
    made = Attempts(Settings((OPENAI,)), lambda: 1_795_000_000.5, seals=Seals("secret"))
    fast = made.build(GenerationRequest.at(Shape.MESSAGES, BODY), ROUTE, Shape.CHAT, ()).fast
    assert fast is not None
    message = {"content": "Hi.", "reasoning": "Hm.", "thought_signature": "abc"}
    reply = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    assert fast.decode_reply(json.dumps(reply).encode()) is None
    (thinking, _) = fast.reply([reply])["content"]
    assert len(thinking["signature"]) > len("gw1.")


def test_what_the_gateway_writes_is_called_json() -> None:
    form = ((b"content-type", b"application/x-www-form-urlencoded"),)
    asked = GenerationRequest.at(Shape.CHAT, BODY, form)
    elsewhere = replace(ROUTE, shape=Shape.RESPONSES)
    renamed = replace(ROUTE, model_sent="other")
    for route, shape in ((elsewhere, Shape.RESPONSES), (renamed, Shape.CHAT)):
        (call,) = attempts().build(asked, route, shape, ()).calls
        assert call.client_headers == ((b"content-type", b"application/json"),)
    (untouched,) = attempts().build(asked, ROUTE, Shape.CHAT, ()).calls
    assert untouched.client_headers is form


@pytest.mark.parametrize(
    ("name", "reported"), [("max_tokens", ["max_tokens->max_completion_tokens"]), ("seed", [])]
)
def test_a_fix_is_reported_where_it_applies(name: str, reported: list[str]) -> None:
    fix = ParameterFix("rename", name, "max_completion_tokens")
    alias = attempts().build(CALL, replace(ROUTE, model_sent="x"), Shape.CHAT, (fix,))
    assert alias.translation is not None
    assert alias.translation.report.changed == reported
    own = attempts().build(CALL, ROUTE, Shape.CHAT, (fix,))
    assert own.translation is None
    assert (own.report.changed if own.report else []) == reported
    assert (own.calls[0].body is BODY) is (reported == [])


def test_an_attempt_says_which_parameters_it_sends() -> None:
    untouched = attempts().build(CALL, ROUTE, Shape.CHAT, ())
    assert untouched.sent == [{"model", "messages", "max_tokens"}]
    moved = attempts().build(CALL, ROUTE, Shape.RESPONSES, ())
    assert moved.sent == [{"model", "input", "store", "max_output_tokens"}]
    fix = ParameterFix("drop", "store")
    fixed = attempts().build(CALL, ROUTE, Shape.RESPONSES, (fix,))
    assert fixed.sent == [{"model", "input", "max_output_tokens"}]


@pytest.mark.parametrize("home", [*Shape])
@pytest.mark.parametrize("stream", [False, True])
def test_every_call_has_the_timeouts_of_its_models_rule(home: Shape, *, stream: bool) -> None:
    hasty = CallTimeouts(first_byte=5.0)
    rule = ModelRule("m", endpoints=(home,), timeouts=hasty)
    scene = Scene(lambda _: error_reply(500, "broken"), rules=(rule,))
    body = {"model": "m", "prompt": ["a", "b"], "stream": stream}
    with suppress(GatewayError):
        scene.generate(Shape.COMPLETIONS, body)
    assert {call.timeouts for call in scene.network.calls} == {hasty}
