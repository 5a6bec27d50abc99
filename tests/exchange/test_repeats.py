"""Requests that repeat a decision: the loop alone sends, answers and notes the same."""

import gc
import re
import weakref
from collections.abc import Callable, Sequence
from copy import copy
from itertools import product
from typing import Any, cast

import msgspec
import pytest
from msgspec import structs

from gateway.config.settings import (
    ClientSettings,
    ModelRule,
    PerformanceSettings,
    UpstreamSettings,
)
from gateway.config.translation_settings import ParamSettings, TranslationSettings
from gateway.errors import GatewayError, UpstreamTimeout
from gateway.exchange import repeats
from gateway.exchange.bodies.request_fields import Routed, read_routed
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.repeated_call import RepeatedCall
from gateway.exchange.repeats import Repeats
from gateway.request import GenerationRequest
from gateway.shapes import ClientHeaders, ItemNames, Json, Shape, UpstreamCall
from gateway.translate.schema.chat import CHAT_PARAMETERS
from gateway.translate.schema.messages import MESSAGES_PARAMETERS
from gateway.translate.schema.responses import RESPONSES_PARAMETERS
from tests import loops
from tests.exchange.scene import ALICE, BOB, OPENAI, Scene, chat_chunk
from tests.exchange.test_odd_replies import ASKED
from tests.fakes import JSON, Answer, ArrivedReply, FakeReply, error_reply, json_reply, stream_reply
from tests.faults import payloads

Fields = dict[str, Any]
Asked = Sequence[Json | bytes]
Answering = Callable[[UpstreamCall], Answer]
CHAT = ASKED[Shape.CHAT]
VALUES: Sequence[object] = (None, 1, "high", True, [], {"type": "x"})
NAMES = sorted({*CHAT_PARAMETERS, *RESPONSES_PARAMETERS, *MESSAGES_PARAMETERS, "unknown"})


def answers(call: UpstreamCall) -> Answer:
    """Answer at the endpoint that is called, at once."""
    shape = next((shape for shape in Shape if call.path == shape.path), None)
    if shape is None:
        return error_reply(404, "no such thing")
    whole = json_reply(payloads.whole(shape))
    return ArrivedReply(200, whole.headers, whole.pieces)


def at(home: Shape, **more: Any) -> ModelRule:
    return ModelRule("m", endpoints=(home,), **more)


class Counting(Repeats):
    """Counts the requests that are repeated."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.count = 0

    def _repeated(self, *known: Any) -> RepeatedCall:
        self.count += 1
        return super()._repeated(*known)


async def shown(scene: Scene, shape: Shape, asked: Asked, **more: Any) -> list[object]:
    """Return all that can be seen of requests, one after the other, but for new ids."""
    seen: list[object] = []
    for body in asked:
        before = len(scene.network.calls)
        try:
            exchanged = await scene.call(shape, body, **more)
        except GatewayError as error:
            seen.append((error.status, error.message, error.param, error.code))
        else:
            noted = msgspec.structs.asdict(exchanged.decision)
            text = re.sub(rb"[0-9a-f]{32}", b"new", exchanged.body)
            seen.append((exchanged.reply.status, exchanged.reply.headers, text, noted))
        for call in scene.network.calls[before:]:
            fields = call.upstream, call.method, call.path, call.query, call.client_headers
            seen.append((*fields, call.body, call.model, call.timeouts))
    return seen


def repeated(
    client: Shape,
    asked: Asked,
    server: Callable[[], Answering] = lambda: answers,
    upstream: UpstreamSettings = OPENAI,
    more: Fields | None = None,
    **settings: Any,
) -> int:
    """Return how many requests repeat a decision; what is seen of them is what the loop does.

    `server` makes what answers, which may remember what it was asked.
    """

    def staged() -> Scene:
        enabled = PerformanceSettings(fast_paths=True)
        return Scene(server(), upstream, performance=enabled, **settings)

    scene, by_loop = staged(), staged()
    counting = Counting(scene.exchange)
    scene.serve, by_loop.serve = counting.run, by_loop.exchange.run
    seen = loops.run(shown(scene, client, asked, **(more or {})))
    assert seen == loops.run(shown(by_loop, client, asked, **(more or {})))
    return counting.count


PAIRS = [(client, home) for client, home in product(Shape, Shape) if home is not Shape.COMPLETIONS]
CODECS = {
    *((Shape.COMPLETIONS, home) for home in (Shape.CHAT, Shape.RESPONSES)),
    *((Shape.CHAT, home) for home in (Shape.RESPONSES, Shape.MESSAGES)),
    *((Shape.MESSAGES, home) for home in (Shape.CHAT, Shape.RESPONSES)),
}
REPEATED = [pair for pair in PAIRS if pair in CODECS or pair[0] is pair[1]]


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_the_second_request_repeats_the_decision_on_the_first(client: Shape, home: Shape) -> None:
    count = repeated(client, [ASKED[client]] * 3, rules=(at(home),))
    assert count == (2 if (client, home) in REPEATED else 0)


@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_request_has_the_loop_does_the_same(
    client: Shape, home: Shape, name: str
) -> None:
    asked = [{**ASKED[client], name: value} for value in VALUES]
    repeated(client, [ASKED[client], *asked, *asked], rules=(at(home),))


TOOLS: dict[Shape, Json] = {
    Shape.COMPLETIONS: {"suffix": "."},
    Shape.CHAT: {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    },
    Shape.MESSAGES: {"tools": [{"name": "f", "input_schema": {"type": "object"}}]},
}


@pytest.mark.parametrize(("client", "home"), sorted(CODECS))
def test_after_requests_for_texts_others_are_still_decided_on(client: Shape, home: Shape) -> None:
    text = ASKED[client]
    others: Asked = (
        {**text, "model": "another"},
        {**text, "model": ""},
        {**text, "stream": True},
        {**text, **TOOLS[client]},
        {**text, "temperature": "hot"},
        b"{",
        b"[]",
        msgspec.json.encode(text)[:-1] + b', "model": "another"}',
    )
    asked = [body for other in others for body in (text, text, other, other)]
    rules = (at(home), ModelRule("another", endpoints=(home,)))
    assert repeated(client, asked, rules=rules) > 2 * len(others) - 2


@pytest.mark.parametrize(("client", "home"), sorted(CODECS))
def test_what_a_codec_has_read_is_not_read_again(
    client: Shape, home: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []

    def counted(body: bytes) -> Routed:
        read.append(body)
        return read_routed(body)

    monkeypatch.setattr(repeats, "read_routed", counted)
    assert repeated(client, [ASKED[client]] * 5, rules=(at(home),)) == 4
    assert len(read) == 2


def streaming(call: UpstreamCall) -> Answer:
    """Answer with the stream of a chat completion."""
    assert call.path == "/chat/completions"
    return stream_reply(chat_chunk("Hel"), chat_chunk("lo"), chat_chunk(finish="stop"))


def test_streams_are_repeated_at_their_own_endpoint_only() -> None:
    asked = {**CHAT, "stream": True}
    assert repeated(Shape.CHAT, [asked] * 3, lambda: streaming, rules=(at(Shape.CHAT),)) == 2
    prompt = {**ASKED[Shape.COMPLETIONS], "stream": True}
    assert (
        repeated(Shape.COMPLETIONS, [prompt] * 3, lambda: streaming, rules=(at(Shape.CHAT),)) == 0
    )


FAILURES: list[Answer] = [
    error_reply(500, "It broke."),
    error_reply(429, "Rate limit reached for m.", code="rate_limit_exceeded"),
    error_reply(401, "Incorrect API key provided.", code="invalid_api_key"),
    error_reply(400, "Invalid 'messages[0]'.", param="messages[0]"),
    error_reply(404, "The model `m` does not exist.", code="model_not_found"),
    UpstreamTimeout("too late"),
    FakeReply(200, JSON, (b'{"choices": [',), UpstreamTimeout("in the middle")),
    json_reply({"error": {"message": "wrapped", "code": 500}}),
    json_reply(payloads.whole(Shape.CHAT)),
]


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
@pytest.mark.parametrize(("client", "home"), REPEATED)
def test_what_is_not_simple_is_followed_by_the_loop(
    client: Shape, home: Shape, failure: Answer
) -> None:
    def server() -> Answering:
        calls: list[UpstreamCall] = []

        def answer(call: UpstreamCall) -> Answer:
            calls.append(call)
            if len(calls) != 2:
                return answers(call)
            return failure if isinstance(failure, GatewayError) else copy(failure)

        return answer

    assert repeated(client, [ASKED[client]] * 4, server, rules=(at(home),)) >= 1


REFUSED = "Unsupported parameter: 'seed' is not supported with this model."
MOVED = "This model is only supported in v1/responses and not in v1/chat/completions."


def test_a_parameter_that_is_refused_is_known_at_once() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if b"seed" in cast("bytes", call.body):
            return error_reply(400, REFUSED, param="seed")
        return answers(call)

    asked = [CHAT, CHAT, {**CHAT, "seed": 1}, {**CHAT, "seed": 1}, CHAT]
    assert repeated(Shape.CHAT, asked, lambda: answer, rules=(at(Shape.CHAT),)) == 2


def test_a_model_that_moves_is_followed() -> None:
    def server() -> Answering:
        calls: list[UpstreamCall] = []

        def answer(call: UpstreamCall) -> Answer:
            calls.append(call)
            has_moved = len(calls) > 2
            if call.path == "/chat/completions" and has_moved:
                return error_reply(404, MOVED, param="model")
            return answers(call)

        return answer

    assert repeated(Shape.CHAT, [{**CHAT, "model": "gpt-4o"}] * 6, server) == 4


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"model": "m", "messages": [{"role": "user", "content": "\xff"}]}',
        b'{"model": "m", "messages": ' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"model": "", "messages": []}',
        b'{"model": 1, "messages": []}',
        b'{"messages": []}',
        b'{"model": "m", "reasoning_effort": 1e400, "messages": []}',
        b'{"model": "m", "messages": [], "x": "%b"}' % (b"x" * 9000),
        b'{"model": "m", "input": "Hi"}',
    ],
    ids=repr,
)
@pytest.mark.parametrize("client", [Shape.CHAT, Shape.COMPLETIONS])
def test_bodies_that_are_bad_large_or_of_another_kind_are_the_loops(
    client: Shape, body: bytes
) -> None:
    rules = (ModelRule("*", endpoints=(Shape.CHAT,)),)
    assert repeated(client, [ASKED[client], body, body], rules=rules) == 0


def test_another_model_is_decided_on_once() -> None:
    rules = (ModelRule("*", endpoints=(Shape.CHAT,)),)
    other = {**CHAT, "model": "other"}
    assert repeated(Shape.CHAT, [CHAT, CHAT, other, other, CHAT], rules=rules) == 3


RULES: dict[str, ModelRule] = {
    "an alias": at(Shape.CHAT, model="another"),
    "parameters": at(Shape.CHAT, params=ParamSettings(set={"seed": 7})),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_a_rule_changes_is_changed_by_the_loop(rule: ModelRule) -> None:
    assert repeated(Shape.CHAT, [CHAT] * 3, rules=(rule,)) == 0


def test_the_models_of_a_restricted_client_are_checked_each_time() -> None:
    client = ClientSettings("team", ("0" * 64,), models=("m",))
    more: Fields = {"client": client}
    asked = [CHAT, CHAT, {**CHAT, "model": "other"}, {**CHAT, "metadata": {"model": "other"}}]
    assert (
        repeated(Shape.CHAT, asked, more=more, rules=(ModelRule("*", endpoints=(Shape.CHAT,)),))
        == 0
    )


def test_callers_do_not_share_what_is_known() -> None:
    scene = Scene(answers, rules=(at(Shape.CHAT),))
    counting = Counting(scene.exchange)
    scene.serve = counting.run
    for headers, count in ((ALICE, 0), (BOB, 0), (ALICE, 1), (BOB, 2)):
        scene.generate(Shape.CHAT, CHAT, headers=headers)
        assert counting.count == count


def test_nothing_is_known_for_longer_than_a_route() -> None:
    scene = Scene(answers, rules=(at(Shape.CHAT),))
    counting = Counting(scene.exchange)
    scene.serve = counting.run
    for seconds, count in ((0.0, 0), (0.5, 1), (0.6, 1), (0.1, 2)):
        scene.clock.advance(seconds)
        scene.generate(Shape.CHAT, CHAT)
        assert counting.count == count


def test_other_messages_than_a_clients_own_are_told_as_configured() -> None:
    told = TranslationSettings(late_system="user")
    asked = [ASKED[Shape.MESSAGES]] * 3
    assert repeated(Shape.MESSAGES, asked, translation=told, rules=(at(Shape.MESSAGES),)) == 0


def test_a_name_with_a_mark_and_cursors_bodies_are_the_loops() -> None:
    marked = {**ASKED[Shape.MESSAGES], "model": "m[1m]"}
    assert repeated(Shape.MESSAGES, [marked] * 3, rules=(at(Shape.MESSAGES),)) == 0
    more: Fields = {"headers": (*ALICE, (b"user-agent", b"Cursor/1.0"))}
    assert repeated(Shape.CHAT, [CHAT] * 3, more=more, rules=(at(Shape.CHAT),)) == 0


@pytest.mark.parametrize(
    ("client", "model", "count"),
    [
        (Shape.CHAT, "gpt-4o", 2),
        (Shape.CHAT, "gpt-4-32k", 2),
        (Shape.COMPLETIONS, "gpt-4-32k", 2),
        (Shape.COMPLETIONS, "gpt-3.5-turbo-instruct", 2),
        (Shape.CHAT, "gpt-3.5-turbo-instruct", 0),  # which is sent under another name
    ],
)
def test_a_model_that_ends_is_warned_of_each_time(client: Shape, model: str, count: int) -> None:
    body = {**ASKED[client], "model": model}
    redirect = (("gpt-3.5-turbo-instruct", "gpt-4o"),)
    assert repeated(client, [body] * 3, redirect=redirect) == count


def test_where_calls_were_sent_is_noted() -> None:
    def answer(call: UpstreamCall) -> Answer:
        call.resends, call.address = 1, "http://a"
        return answers(call)

    assert repeated(Shape.CHAT, [CHAT] * 3, lambda: answer, rules=(at(Shape.CHAT),)) == 2


def test_header_fields_without_a_place_for_what_is_known_are_the_loops() -> None:
    scene = Scene(answers, rules=(at(Shape.CHAT),))
    counting = Counting(scene.exchange)
    for _ in range(3):
        call = GenerationRequest.at(Shape.CHAT, msgspec.json.encode(CHAT), ALICE)
        loops.run(answered(counting, call))
    assert counting.count == 0


async def answered(served: Repeats, call: GenerationRequest) -> ClientReply:
    return await served.run(call, Decision())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("place", "param"), [("[1].content", "[0].content"), ("[0]", "")])
def test_an_error_has_the_clients_names_of_items_that_go_on(
    place: str, param: str, stream: bool
) -> None:
    def server() -> Answering:
        calls: list[UpstreamCall] = []

        def answer(call: UpstreamCall) -> Answer:
            calls.append(call)
            if len(calls) == 1:
                return answers(call)
            error = {"message": "Bad value.", "param": f"input{place}", "code": "bad"}
            failed = {"type": "error", **error}
            return stream_reply(failed) if stream else json_reply({"error": error}, 400)

        return answer

    scene = Scene(server(), rules=(at(Shape.RESPONSES),))
    served, headers = Counting(scene.exchange), ClientHeaders(ALICE)
    asked = {"model": "m", "input": [{"role": "user", "content": "Hi"}] * 2, "stream": stream}
    call = GenerationRequest.at(Shape.RESPONSES, msgspec.json.encode(asked), headers)
    loops.run(answered(served, call))
    turn = structs.replace(call, items=ItemNames(["previous_response_id", 0]))
    with pytest.raises(GatewayError) as raised:
        loops.run(answered(served, turn))
    expected = f"input{param}" if param else "previous_response_id"
    assert (served.count, raised.value.param) == (1, expected)


def test_what_is_known_does_not_outlive_its_head() -> None:
    class Marker:
        """Lives as long as the head."""

    scene = Scene(answers, rules=(at(Shape.CHAT),))
    served, headers, marker = Counting(scene.exchange), ClientHeaders(ALICE), Marker()
    headers.derived["marker"], gone = marker, weakref.ref(marker)
    call = GenerationRequest.at(Shape.CHAT, msgspec.json.encode(CHAT), headers)
    for _ in range(3):
        loops.run(answered(served, call))
    assert served.count == 2
    gc.disable()
    try:
        scene.network.calls.clear()
        del call, headers, marker
        assert gone() is None
    finally:
        gc.enable()
