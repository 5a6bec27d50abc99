"""Says what the failure of an attempt means, and what the client gets of it."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial

from gateway.config.settings import UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest, UpstreamError
from gateway.exchange.attempt import Attempt
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.bodies.misplaced_bodies import fixed_by_reading, may_be_of_parts
from gateway.exchange.bodies.request_fields import read_object, read_words
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.errors.error_replies import about_moved_item, in_clients_terms
from gateway.exchange.errors.failures import check_own_key, refuses_own_key
from gateway.exchange.params.fixing import beside_values
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.reply.classify import ErrorReply
from gateway.exchange.reply.reading import MAX_ERROR_BYTES, REST_SECONDS
from gateway.exchange.retries import Refused
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.refusals.betas import sent_betas
from gateway.resolve.refusals.classify import Refusal, Verdict, classify
from gateway.resolve.refusals.history.developer_role import SENT as DEVELOPERS
from gateway.resolve.refusals.history.history_fields import JOINED, ROW
from gateway.resolve.refusals.history.responses_turns import TURNS
from gateway.resolve.refusals.parameters import DEGREE_FIELDS, degrees_in
from gateway.shapes import Json


def judge(route: Route, attempt: Attempt, failure: ErrorReply) -> Refusal:
    """Return what the failure of an attempt means; one that is `partial` means nothing."""
    if failure.partial:
        return Refusal(Verdict.OTHER)
    call = attempt.calls[failure.call]
    body = call.whole_body
    marks = degrees_in(read_words(body, DEGREE_FIELDS))
    if any(fix.name in (ROW, TURNS) for fix in attempt.fixes):
        marks.append(JOINED)
    if b'"developer"' in body:
        marks.append(DEVELOPERS)
    names, betas = attempt.sent[failure.call], sent_betas(call.client_headers)
    sent = frozenset((*names, *betas, *marks))  # there may be any number of them
    return classify(attempt.shape, failure.status, failure.body, model=route.model_sent, sent=sent)


async def judge_apart(
    apart: Apart, route: Route, call: GenerationRequest, attempt: Attempt, failure: ErrorReply
) -> Refused:
    """Return a failed attempt with what `judge` says of it; a large request is read `apart`."""
    refusal = await apart.run_large(len(call.body), partial(judge, route, attempt, failure))
    before_fixing = partial(_before_fixing, attempt, failure.call)
    refusal = replace(refusal, fixes=beside_values(refusal.fixes, before_fixing))
    if may_be_of_parts(call, attempt.shape, failure.status, refusal):
        read_again = partial(fixed_by_reading, attempt.calls[0], refusal)
        refusal = await apart.run_large(len(call.body), read_again)
    return Refused(attempt, failure, refusal)


def _before_fixing(attempt: Attempt, call: int) -> Json:
    """Return the body of one of an attempt's calls without the fixes.

    The result is empty if the body cannot be read: then no fix can be applied to it either.
    """
    if attempt.fixes:
        return attempt.unfixed[call]
    try:
        return read_object(attempt.calls[call].whole_body)
    except InvalidRequest:
        return {}


async def reply_or_failure(
    upstream: UpstreamSettings,
    route: Route,
    call: GenerationRequest,
    attempt: Attempt,
    failure: ErrorReply,
) -> ClientReply | ErrorReply:
    """Return the failure, which another attempt may follow, or the reply that its client gets.

    An error within a success becomes the client's reply, unless it is a refusal or refuses the
    gateway's own key. An error that has the gateway's words is raised.
    """
    if attempt.items is not None:
        failure = await _replaced(failure, about_moved_item(failure, attempt.items))
    if failure.for_client is None:
        return failure
    if attempt.translation is None:
        failure = await _replaced(failure, in_clients_terms(attempt, failure, call.body))
    leads_on = judge(route, attempt, failure).verdict is not Verdict.OTHER
    refused = leads_on or refuses_own_key(upstream, failure.status, failure.body)
    return await _decided(failure, refused=refused)


async def check_unread_error(upstream: UpstreamSettings, reply: ClientReply) -> None:
    """Raise `UpstreamError` for an unread error whose status refuses the gateway's own key.

    Any other error that is too large to be read is passed on.
    """
    if reply.status < 400:
        return
    try:
        check_own_key(upstream, reply.status)
    except UpstreamError:
        if not isinstance(reply.body, bytes):
            await reply.body.aclose()
        raise


async def _replaced(failure: ErrorReply, error: GatewayError | None) -> ErrorReply:
    """Return the failure with `error` for the client; None: the failure stays as it came."""
    if error is None:
        return failure
    shown = failure.for_client
    if isinstance(shown, ClientReply) and not isinstance(shown.body, bytes):
        await shown.body.aclose()
    return replace(failure, for_client=error.bare())


async def _decided(failure: ErrorReply, *, refused: bool) -> ClientReply | ErrorReply:
    """Return the failure, or the client's reply, for an error that was a stream's first event.

    Unless the request is `refused`, the client gets the error as it came: the reply is returned, or
    the error raised. The stream of a refusal is read to its end, so that its connection is free for
    another attempt.
    """
    shown = failure.for_client
    if not refused and shown is not None:
        if isinstance(shown, GatewayError):
            raise shown
        return shown
    return await read_out(failure)


async def read_out(failure: ErrorReply) -> ErrorReply:
    """Read the stream of a failure to its end, if it came in one, and return the failure.

    The end has `REST_SECONDS` to come.
    """
    shown = failure.for_client
    if not isinstance(shown, ClientReply) or isinstance(shown.body, bytes):
        return failure
    headers = [pair for pair in shown.headers if pair[0] != b"content-length"]
    body = await _read_out(shown.body)
    return replace(failure, for_client=ClientReply(shown.status, headers, body))


async def _read_out(body: ReplyBody) -> bytes:
    """Return what arrives of a body within `REST_SECONDS`, at most as much as an error may have."""
    read = bytearray()

    def sink(piece: bytes) -> bool:
        read.extend(piece)
        return len(read) <= MAX_ERROR_BYTES

    try:
        with suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(REST_SECONDS):
                await body.pipe(sink)
    finally:
        await body.aclose()
    return bytes(read)
