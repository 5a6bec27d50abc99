"""Makes the client's reply of what the upstream answered to an attempt."""

from collections.abc import Sequence
from datetime import date

import msgspec

from gateway.config.settings import CredentialPolicy, Settings
from gateway.errors import GatewayError
from gateway.exchange import failures
from gateway.exchange.attempt import Attempt
from gateway.exchange.feeding import Feeder
from gateway.exchange.message import ClientReply, decode_object, read_object
from gateway.exchange.relay import begun, translated
from gateway.exchange.sending import (
    Failure,
    Whole,
    failure_of,
    read_answer,
    read_failure,
    send_whole,
    told_at_once,
)
from gateway.exchange.sub_streams import SubStreams
from gateway.exchange.untouched import passed_on
from gateway.request import GenerationRequest
from gateway.shapes import Json, RawHeaders, Send, Shape, UpstreamReply
from gateway.translate.contract import Translation
from gateway.translate.plain_way import PlainTranslation
from gateway.translate.sse import KEEPALIVE, encode_events, terminator

_encode = msgspec.json.Encoder().encode
_JSON_HEADERS = [(b"content-type", b"application/json")]
_EVENT_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_BODY_HEADERS = frozenset(
    {
        *(b"content-length", b"content-type", b"content-encoding"),
        *(b"cache-control", b"x-accel-buffering"),
    }
)


async def perform(
    send: Send,
    call: GenerationRequest,
    attempt: Attempt,
    translation: Translation,
    settings: Settings,
    *,
    streamed: bool,
) -> ClientReply | Failure:
    """Send a translated attempt's calls; return the client's reply, or the first failure.

    The reply to a translated stream is returned once its first event is known. Raises what `send`
    raises, and `UpstreamError` where the answer is not what its shape says.
    """
    if not streamed:
        answers = await send_whole(send, attempt.calls, attempt.concurrency)
        return answers if isinstance(answers, Failure) else _folded(translation, answers)
    opened = await _open(send, attempt, translation, settings)
    if isinstance(opened, Failure):
        return opened
    return await _streamed(call, attempt, translation, opened, settings)


def answer_at_once(
    translation: PlainTranslation | None, reply: UpstreamReply
) -> ClientReply | Failure | None:
    """Do what `answer_in_time` does, for a reply that is here as a whole; None: it is not."""
    answer = told_at_once(0, reply)
    return None if answer is None else _answered(translation, answer)


async def answer_in_time(
    client: Shape, translation: PlainTranslation | None, reply: UpstreamReply
) -> ClientReply | Failure:
    """Return the reply to a client of a shape to one upstream reply, or the failure that it is.

    Without a translation that is the reply as it is, read or not; else it is read to its end.
    Raises what reading raises, and `UpstreamError` for an answer that is not what its shape says.
    """
    if translation is not None:
        return _answered(translation, await read_answer(0, reply))
    answer = await failure_of(0, reply)
    if isinstance(answer, Failure | Whole):
        return _answered(None, answer)
    return ClientReply(answer.status, list(answer.headers), passed_on(answer, client))


def _answered(
    translation: PlainTranslation | None, answer: Failure | Whole
) -> ClientReply | Failure:
    if isinstance(answer, Failure):
        return answer
    if translation is None:
        return ClientReply(answer.status, list(answer.headers), answer.body)
    body = translation.fold(answer.body)
    if body is None:
        return _folded(translation, [answer])
    return _json_reply(body, answer.headers)


def _folded(translation: Translation, answers: Sequence[Whole]) -> ClientReply:
    """Return the client's reply to whole answers; raises `UpstreamError` for one that is none."""
    reply = translation.reply([decode_object(whole.body) for whole in answers])
    return _json_reply(_encode(reply), answers[0].headers)


def _json_reply(body: bytes, upstream_headers: RawHeaders) -> ClientReply:
    length = (b"content-length", b"%d" % len(body))
    return ClientReply(200, [*_JSON_HEADERS, length, *_kept(upstream_headers)], body)


async def _open(
    send: Send, attempt: Attempt, translation: Translation, settings: Settings
) -> Failure | Whole | UpstreamReply | SubStreams:
    if len(attempt.calls) == 1:
        answer = await failure_of(0, await send(attempt.calls[0]))
        if isinstance(answer, Failure | Whole) or 200 <= answer.status < 300:
            return answer
        return await read_failure(0, answer)
    upstream = settings.upstream(attempt.calls[0].upstream)
    own_key = upstream.credential is CredentialPolicy.KEY

    def late(failure: Failure) -> GatewayError:
        if own_key and failure.status in (401, 403):
            return failures.own_key_refused(upstream.name)
        return failures.translated_failure(translation, failure)

    streams = SubStreams(send, attempt.calls, attempt.concurrency, late)
    failure: Failure | None = None
    opened = False
    try:
        failure = await streams.opened()
        opened = failure is None
    finally:
        if not opened:
            await streams.aclose()
    return failure or streams


async def _streamed(
    call: GenerationRequest,
    attempt: Attempt,
    translation: Translation,
    source: Whole | UpstreamReply | SubStreams,
    settings: Settings,
) -> ClientReply:
    feeder = Feeder(call.shape, attempt.shape, len(attempt.calls), translation.stream())
    stream = translated(feeder, source)
    body = await begun(stream, settings.server.first_byte_grace, KEEPALIVE, feeder)
    first = source.replies[0] if isinstance(source, SubStreams) else source
    headers = [*_EVENT_STREAM_HEADERS, *_kept(first.headers if first else ())]
    return ClientReply(200, headers, body, keepalive=KEEPALIVE)


def local_answer(call: GenerationRequest, reply: Json, *, streamed: bool) -> ClientReply:
    """Return a reply that the gateway made by itself, in the form that was asked for."""
    if not streamed:
        return ClientReply(200, list(_JSON_HEADERS), msgspec.json.encode(reply))
    options = read_object(call.body).get("stream_options")
    events = [{key: value for key, value in reply.items() if key != "usage"}]
    if isinstance(options, dict) and options.get("include_usage") is True:
        events[0]["usage"] = None
        if reply.get("usage") is not None:
            events.append({**reply, "choices": []})
    body = encode_events(call.shape, events) + terminator(call.shape)
    return ClientReply(200, list(_EVENT_STREAM_HEADERS), body)


def _kept(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """Return the upstream's header fields that still hold for a translated body."""
    return [pair for pair in headers if pair[0] not in _BODY_HEADERS]


def as_date(seconds: float) -> date:
    """Return the UTC day of a Unix time."""
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(seconds // 86_400))
