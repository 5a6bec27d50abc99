"""Passes on requests that are not generation as they are, streamed in both directions.

A request goes to the upstream of the model that its body or its path names, or to the default one.
Bodies are not held: only the beginning is read ahead, to find the model's name in JSON or in a
multipart form.
"""

from collections.abc import Sequence

from gateway.config.settings import Settings, UpstreamSettings
from gateway.envelopes.error_envelopes import is_error_in_success
from gateway.envelopes.printed_values import decode_body
from gateway.errors import UnknownRoute, UpstreamError
from gateway.exchange.answers import untouched_answer
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.errors import failures
from gateway.exchange.errors.error_replies import error_in_success
from gateway.exchange.errors.failed_attempt import read_out
from gateway.exchange.errors.names_of_aliases import named_as_asked
from gateway.exchange.errors.redirections import check_passed_redirect, led_nowhere
from gateway.exchange.passthrough.destinations import Destination, Destinations
from gateway.exchange.passthrough.embeddings import PATH as EMBEDDINGS
from gateway.exchange.passthrough.embeddings import Encoding, asked_encoding, reencoded
from gateway.exchange.passthrough.named_errors import with_named_errors
from gateway.exchange.reply.classify import ErrorReply, read_error
from gateway.exchange.reply.reading import MAX_ERROR_BYTES, content_length
from gateway.exchange.reply.untouched import passed_on
from gateway.exchange.restricted import restrictions
from gateway.headers import has_anthropics_version, speaks_anthropic
from gateway.request import Request
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.resolver import Resolver
from gateway.shapes import Send, UpstreamCall, UpstreamReply


class Forwarder:
    """Forwards what the gateway does not translate."""

    def __init__(self, settings: Settings, resolver: Resolver, send: Send, apart: Apart) -> None:
        self._settings = settings
        self._resolver = resolver
        self._send = send
        self._apart = apart
        self.destinations = Destinations(settings, resolver)
        """Where requests go."""

    async def run(
        self, call: Request, decision: Decision, named: Sequence[str] = ()
    ) -> ClientReply:
        """Forward one request; raises `GatewayError` before the reply has begun.

        `named` are the models that the path may be about, the likeliest first.
        """
        limit = self._settings.server.max_body_bytes
        if call.client is not None and call.client.is_restricted:
            call = await restrictions.admitted(call, limit, self._apart)
        asked: Encoding | None = None
        if call.path == EMBEDDINGS and call.method == "POST":
            call, asked = await asked_encoding(call, limit)
        destination, reply = await self._sent(call, decision, named)
        if not named and reply.status in failures.NO_ROUTE and _is_of_anthropics_client(call):
            failure = await read_error(reply)
            _check_route(call, failure, decision)
            failures.check_own_key(
                self._settings.upstream(destination.upstream), failure.status, failure.body
            )
            return failures.untouched(named_as_asked(failure, destination.models))
        nowhere = led_nowhere(reply.status, reply.headers)
        if nowhere is not None:
            decision.failed(destination.upstream, nowhere, final=True)
        if asked is not None:
            grace = self._settings.server.first_byte_grace
            changed = await reencoded(reply, asked, grace, self._apart, decision)
            if changed is not None:
                return changed
        try:
            return await self._answer(call, destination, reply, decision, about_a_model=bool(named))
        except UpstreamError:
            await reply.aclose()
            raise

    async def _sent(
        self, call: Request, decision: Decision, named: Sequence[str]
    ) -> tuple[Destination, UpstreamReply]:
        """Send a request to its destination; return the destination and the reply."""
        routed = await self.destinations.of_request(call, decision, named)
        decision.upstream = routed.upstream
        decision.endpoint = f"/v1{call.path}"
        decision.resolved_by = self.destinations.resolved_by(routed)
        decision.attempts = 1
        sent = UpstreamCall(
            routed.upstream,
            call.method,
            call.path,
            body=routed.body,
            query=call.query if routed.query is None else routed.query,
            client_headers=call.headers,
            body_length=call.length if routed.body is call.body else routed.length,
            model=routed.model,
            timeouts=routed.timeouts,
        )
        try:
            reply = await self._send(sent)
        finally:
            decision.resends = sent.resends
            decision.address = sent.address
        decision.identified(reply.headers)
        return routed, reply

    async def _answer(
        self,
        call: Request,
        destination: Destination,
        reply: UpstreamReply,
        decision: Decision,
        *,
        about_a_model: bool,
    ) -> ClientReply:
        """Return the client's reply; raises `UpstreamError` for one that it must not get."""
        settings, models = self._settings.upstream(destination.upstream), destination.models
        failures.check_own_key(settings, reply.status)
        check_passed_redirect(reply.status, reply.headers, settings, call.method)
        counted = call.path == EMBEDDINGS
        if call.method == "HEAD":
            return passed_on(reply, counted=counted)
        is_card = about_a_model and call.method == "GET"
        # An alias's error is read in any case: it may name the model.
        is_read = is_card or _is_short(reply, without_length=models is not None)
        if reply.status >= 400 and is_read:
            # An error is read whole or not at all: half of one is of no use to a client.
            failure = await read_error(reply)
            failures.check_own_key(settings, failure.status, failure.body)
            return failures.untouched(named_as_asked(failure, models))
        may_tell = models is not None or call.method == "POST"
        if is_card or (may_tell and 200 <= reply.status < 300):
            # Small JSON, or a first event, may be an error in a success.
            grace = self._settings.server.first_byte_grace
            answered = await untouched_answer(None, reply, grace, counted=counted)
            if isinstance(answered, ErrorReply):
                return await _only_looking_like_success(answered, destination, settings, decision)
            return answered if models is None else with_named_errors(answered, models)
        return passed_on(reply, counted=counted)


async def _only_looking_like_success(
    failure: ErrorReply, destination: Destination, settings: UpstreamSettings, decision: Decision
) -> ClientReply:
    """Return the client's reply to an apparent success; an error is noted for the operator."""
    failures.check_own_key(settings, failure.status, failure.body)
    if not is_error_in_success(decode_body(failure.body)):
        return failures.untouched(failure)
    decision.failed(destination.upstream, error_in_success(failure), final=True)
    if destination.models is not None:
        failure = named_as_asked(await read_out(failure), destination.models)
    return failures.untouched(failure)


def _is_of_anthropics_client(call: Request) -> bool:
    """Whether a client reads errors in Anthropic's envelope; replies to HEAD have no envelope."""
    if call.method == "HEAD":
        return False
    return speaks_anthropic(call.path, call.headers) or has_anthropics_version(call.headers)


def _check_route(call: Request, failure: ErrorReply, decision: Decision) -> None:
    """Raise `UnknownRoute` if a server says, in its own words, that it has no such path."""
    known = decode_body(failure.body)
    if isinstance(known, dict) and known.get("type") == "error":
        return
    refusal = classify(None, failure.status, failure.body, model="")
    if refusal.verdict is Verdict.UNKNOWN_ROUTE:
        decision.anthropic = True
        raise UnknownRoute(
            f"The upstream '{decision.upstream}' has no endpoint for {call.method} "
            f"/v1{call.path[:200]}."
        )


def _is_short(reply: UpstreamReply, *, without_length: bool) -> bool:
    """Whether a body is short enough to be an error; `without_length` is the answer without one."""
    length = content_length(reply.headers)
    return without_length if length is None else length <= MAX_ERROR_BYTES
