"""Makes the client's reply from what the upstream answered to an attempt."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import msgspec

from gateway.config.settings import Settings, UpstreamSettings
from gateway.errors import GatewayError, UpstreamError, UpstreamReplied
from gateway.exchange.attempt import Attempt
from gateway.exchange.bodies.apart import LARGE_BYTES, Apart
from gateway.exchange.bodies.request_fields import wants_usage
from gateway.exchange.calls.feeding import Feeder
from gateway.exchange.calls.pump import Pump
from gateway.exchange.calls.sending import send_whole
from gateway.exchange.calls.streams import Streams
from gateway.exchange.client_reply import ClientReply, event_stream_reply, json_reply
from gateway.exchange.errors import failures
from gateway.exchange.errors.clients_names import in_clients_names
from gateway.exchange.errors.error_replies import translated_failure
from gateway.exchange.errors.own_key import as_refused_key, in_own_words
from gateway.exchange.reply.classify import ErrorReply, answer_or_error
from gateway.exchange.reply.reading import identified, reply_nested_too_deeply
from gateway.exchange.reply.untouched import passed_on
from gateway.exchange.reply.whole_body import ReportedError, whole_reply
from gateway.exchange.reply.wrapped_errors import only_looks_like_success
from gateway.fast.paths import Fast
from gateway.headers import JSON
from gateway.replies import BufferedReply
from gateway.request import GenerationRequest
from gateway.shapes import (
    Json,
    RawHeaders,
    RepeatedFields,
    ReplyHeaders,
    Send,
    Shape,
    UpstreamReply,
)
from gateway.translate.contract import Translation
from gateway.translate.parts.model_names import name_as_asked
from gateway.translate.parts.upstream_errors import ParameterNames
from gateway.translate.stream.messages.message_events import events_of
from gateway.translate.stream.reply_as_chunks import as_chunks
from gateway.translate.stream.sse import encode_events, terminator

_encode = msgspec.json.Encoder().encode
_TRANSLATED = object()
"""The key of translated replies' fields in `RepeatedFields.derived`."""
_BODY_HEADERS = frozenset(
    {
        *(b"content-length", b"content-type", b"content-encoding"),
        *(b"cache-control", b"x-accel-buffering"),
    }
)


async def fold(
    send: Send, attempt: Attempt, translation: Translation, apart: Apart
) -> ClientReply | ErrorReply:
    """Send a translated attempt's calls; return the client's whole reply, or the first failure.

    Large answers are folded `apart`, and so are the answers to a large responses request, since a
    response repeats the tools and the text's schema of its request. Raises what `send` raises, and
    `UpstreamError` for an answer that is not valid in its shape.
    """
    answers = await send_whole(send, attempt.calls, attempt.concurrency)
    if isinstance(answers, ErrorReply):
        return answers
    repeats_much = attempt.held is not None and translation.report.source is Shape.RESPONSES
    if not repeats_much and sum(len(whole.body) for whole in answers) < LARGE_BYTES:
        return _folded(translation, answers, attempt)
    return await apart.run(partial(_folded, translation, answers, attempt))


def answer_at_once(fast: Fast | None, reply: UpstreamReply) -> ClientReply | None:
    """Return the client's reply to a simple upstream reply; None for others, see `answer`.

    A reply is simple if it has arrived whole and is a JSON object that is no error, or if the fast
    translation accepts it, which accepts no errors. The body is only peeked at: the caller has to
    consume it.
    """
    if not reply.ended or not 200 <= reply.status < 300:
        return None
    body = reply.peek()
    if fast is not None:
        if len(body) >= LARGE_BYTES:
            return None
        translated = fast.decode_reply(body)
        return None if translated is None else _translated(translated, reply.headers)
    if not body.startswith(b"{") or only_looks_like_success(body):
        return None
    return ClientReply(reply.status, reply.headers, body)


async def answer(
    client: Shape, fast: Fast | None, reply: UpstreamReply, grace: float, apart: Apart
) -> ClientReply | ErrorReply:
    """Return the client's reply to one upstream reply, or the error that it is.

    A reply that is to be translated is read to its end; a large one is translated `apart`. Raises
    what reading raises, and `UpstreamError` for an answer that is not valid in its shape.
    """
    if fast is None:
        return await untouched_answer(client, reply, grace)
    whole = await answer_or_error(reply, "whole")
    if isinstance(whole, ErrorReply):
        return whole
    if len(whole.body) < LARGE_BYTES:
        return _decoded(fast, whole)
    return await apart.run(partial(_decoded, fast, whole))


async def untouched_answer(
    client: Shape | None, reply: UpstreamReply, grace: float, *, counted: bool = False
) -> ClientReply | ErrorReply:
    """Return one upstream reply unchanged as the client's, or the error that it is.

    The reply is returned, read or not, once its beginning shows that it is not an error, or after
    `grace` seconds; see `passed_on`. Raises what reading raises.
    """
    untouched = await answer_or_error(reply, "untouched", grace)
    if not isinstance(untouched, ErrorReply):
        return passed_on(untouched, client, counted=counted, judged=True)
    if untouched.stream is not None:
        return replace(untouched, for_client=passed_on(untouched.stream, client))
    return untouched


def _decoded(fast: Fast, whole: BufferedReply) -> ClientReply | ErrorReply:
    body = fast.decode_reply(whole.body)
    return _folded(fast, [whole]) if body is None else _translated(body, whole.headers)


def _folded(
    translation: Translation,
    answers: Sequence[BufferedReply],
    names: ParameterNames | None = None,
) -> ClientReply | ErrorReply:
    """Return the client's reply to whole answers, or the error that one of them turns out to be.

    Raises `UpstreamError` for an answer that is not valid in its shape.
    """
    try:
        return _reply_to(translation, answers, names)
    except RecursionError:
        raise identified(reply_nested_too_deeply(), answers[0].headers) from None
    except GatewayError as error:
        identified(error, answers[0].headers)
        raise


def _reply_to(
    translation: Translation, answers: Sequence[BufferedReply], names: ParameterNames | None
) -> ClientReply | ErrorReply:
    home = translation.report.target
    replies: list[Json] = []
    for position, whole in enumerate(answers):
        reply = whole_reply(home, whole.body, partial(_sent, translation, position))
        if isinstance(reply, ReportedError):
            failure = ErrorReply(position, whole.status, whole.headers, reply.body)
            error = translated_failure(translation, failure, names)
            if reply.in_place:
                return _refused_key(error, whole.headers)
            return replace(failure, for_client=error.bare())
        replies.append(reply)
    try:
        folded = translation.reply(replies)
    except UpstreamReplied as error:
        return _refused_key(error, answers[0].headers)
    return _translated(_encode(folded), answers[0].headers)


def _refused_key(error: UpstreamError, headers: RawHeaders) -> ErrorReply:
    """Return the reply of an error that refuses the key sent, which may be the gateway's.

    Raises any other error.
    """
    refused = as_refused_key(error, headers) if isinstance(error, UpstreamReplied) else None
    if refused is None:
        raise error
    return refused


def _sent(translation: Translation, position: int) -> Json:
    return translation.calls[position]


async def stream(
    send: Send,
    call: GenerationRequest,
    attempt: Attempt,
    translation: Translation,
    settings: Settings,
) -> ClientReply | ErrorReply:
    """Send a translated attempt's calls; return the client's stream, or the first failure.

    The stream is returned once its first event is known. Raises as `fold` does.
    """
    calls, folder = len(attempt.calls), translation.stream()
    feeder = Feeder(
        call.reply_shape,
        attempt.shape,
        calls,
        folder,
        renames=call.shape is attempt.shape and not call.as_chat,
        fast=attempt.text_deltas and not call.as_chat,
        in_own_words=_words(call, settings.upstream(attempt.calls[0].upstream)),
        wants_usage=partial(wants_usage, call.body),
    )
    streams = _streams(send, attempt, translation, settings)
    pump = Pump(feeder, streams, settings.server.keepalive_interval, attempt.held)
    try:
        failure = await streams.opened()
        if failure is None:
            return await _begun(pump, feeder, streams, attempt, settings)
    except BaseException:
        await pump.aclose()
        raise
    await pump.aclose()
    return failure


def _words(
    call: GenerationRequest, upstream: UpstreamSettings
) -> Callable[[GatewayError], GatewayError]:
    """Return the function that turns an upstream's error into the one that the client gets."""

    def words(error: GatewayError) -> GatewayError:
        return in_clients_names(in_own_words(upstream, error), call.body)

    return words


async def _begun(
    pump: Pump, feeder: Feeder, streams: Streams, attempt: Attempt, settings: Settings
) -> ClientReply | ErrorReply:
    """Return the reply once its first event is known, or the error that this event is."""
    first = streams.replies[0]
    reply = event_stream_reply(pump, _kept(first.headers if first else ()))
    shown: ClientReply | GatewayError = reply
    try:
        await pump.begun(settings.server.first_byte_grace)
    except GatewayError as error:
        name_as_asked(error, attempt.models)  # it may not have come from the translation
        identified(error, reply.headers)
        if feeder.opening_error is None:
            raise
        shown = error.bare()
        await pump.aclose()
    if feeder.opening_error is None:
        return reply
    call, body = feeder.opening_error
    return ErrorReply(call, 200, tuple(reply.headers), body, for_client=shown)


def _streams(send: Send, attempt: Attempt, translation: Translation, settings: Settings) -> Streams:
    upstream = settings.upstream(attempt.calls[0].upstream)

    def late(failure: ErrorReply) -> GatewayError:
        failures.check_own_key(upstream, failure.status, failure.body)
        return translated_failure(translation, failure, attempt)

    grace = settings.server.first_byte_grace
    return Streams(send, attempt.calls, attempt.concurrency, grace, late)


def local_answer(call: GenerationRequest, reply: Json, *, streamed: bool) -> ClientReply:
    """Return a reply that the gateway made itself, in the form that was asked for."""
    if not streamed:
        return json_reply(_encode(reply))
    if call.shape is Shape.MESSAGES:
        return event_stream_reply(encode_events(call.shape, events_of(reply)))
    events = as_chunks(reply, with_usage=wants_usage(call.body))
    return event_stream_reply(encode_events(call.shape, events) + terminator(call.shape))


def _translated(body: bytes, headers: RawHeaders) -> ClientReply:
    """Return the reply with a translated body, and the upstream's fields that still hold."""
    if not isinstance(headers, ReplyHeaders):
        return json_reply(body, fields=_kept(headers))
    derived = headers.repeated.derived
    fields: RepeatedFields | None = derived.get(_TRANSLATED)
    if fields is None:
        fields = derived[_TRANSLATED] = RepeatedFields((JSON,), tuple(_kept(headers)))
    return ClientReply(200, ReplyHeaders(fields, b"%d" % len(body)), body)


def _kept(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """Return the upstream's header fields that still hold for a translated body."""
    return [pair for pair in headers if pair[0] not in _BODY_HEADERS]
