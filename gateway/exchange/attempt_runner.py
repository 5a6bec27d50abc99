"""Makes attempts: sends the calls of each, and makes the client's reply of the answers."""

from gateway.config.settings import Settings
from gateway.exchange import answers
from gateway.exchange.attempt import Attempt, Attempts
from gateway.exchange.calls.missing_choices import LEFT_OUT, MissingChoices
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.description import describe
from gateway.exchange.errors.error_replies import error_in_success
from gateway.exchange.errors.failed_attempt import check_unread_error, reply_or_failure
from gateway.exchange.params.known_fixes import KnownFixes
from gateway.exchange.reply.classify import ErrorReply
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.resolver import Resolver
from gateway.shapes import Send, UpstreamCall, UpstreamReply
from gateway.translate.contract import Translation
from gateway.translate.fanout import too_many


class AttemptRunner:
    """Makes attempts; remembers of them only which servers leave out choices of a reply."""

    def __init__(
        self,
        settings: Settings,
        resolver: Resolver,
        send: Send,
        attempts: Attempts,
        fixes: KnownFixes,
    ) -> None:
        self._settings = settings
        self._resolver = resolver
        self.send = send
        self._attempts = attempts
        self._fixes = fixes

    async def run(
        self,
        call: GenerationRequest,
        decision: Decision,
        route: Route,
        attempt: Attempt,
        *,
        streamed: bool,
    ) -> ClientReply | ErrorReply:
        """Make an attempt; return the client's reply or the failure."""
        decision.attempts += 1
        describe(decision, attempt, route)
        translation, fast = attempt.translation, attempt.fast
        try:
            if translation is None or (fast is not None and not streamed):
                reply = await self.send(attempt.calls[0])
                at_once = answers.answer_at_once(fast, reply)
                if at_once is not None:
                    reply.arrived()
                    return at_once
                return await self.answer(call, decision, route, attempt, reply)
            result = await self._translated(
                call, decision, route, attempt, translation, streamed=streamed
            )
            if isinstance(result, ErrorReply):
                return await self._judged(call, decision, route, attempt, result)
            return result
        finally:
            for sent in attempt.calls:
                if sent.resends or sent.address:
                    note_sending(decision, sent)

    async def answer(
        self,
        call: GenerationRequest,
        decision: Decision,
        route: Route,
        attempt: Attempt,
        reply: UpstreamReply,
    ) -> ClientReply | ErrorReply:
        """Turn the upstream's reply to an attempt's only call into the client's, or the failure."""
        fast, grace = attempt.fast, self._settings.server.first_byte_grace
        result = await answers.answer(call.shape, fast, reply, grace, self._attempts.apart)
        if fast is not None and fast.fell_back:
            describe(decision, attempt, route)
        if isinstance(result, ErrorReply):
            return await self._judged(call, decision, route, attempt, result)
        await check_unread_error(self._settings.upstream(route.upstream), result)
        return result

    async def _judged(
        self,
        call: GenerationRequest,
        decision: Decision,
        route: Route,
        attempt: Attempt,
        failure: ErrorReply,
    ) -> ClientReply | ErrorReply:
        await self._attempts.learn_names(call, attempt)
        decision.identified(failure.headers)
        upstream = self._settings.upstream(route.upstream)
        answered = await reply_or_failure(upstream, route, call, attempt, failure)
        if attempt.translation is None and isinstance(answered, ClientReply):
            # The client gets the stream that begins with the error, under a status of success.
            decision.failed(route.upstream, error_in_success(failure), final=True)
        return answered

    async def _translated(
        self,
        call: GenerationRequest,
        decision: Decision,
        route: Route,
        attempt: Attempt,
        translation: Translation,
        *,
        streamed: bool,
    ) -> ClientReply | ErrorReply:
        """Return the reply to a translated attempt, or the failure."""
        if (local := translation.local_reply()) is not None:
            return answers.local_answer(call, local, streamed=streamed)
        reported = attempt.reported
        send = self._completing(call, route, attempt, translation)
        if streamed:
            result = await answers.stream(send, call, attempt, translation, self._settings)
        else:
            result = await answers.fold(send, attempt, translation, self._attempts.apart)
        # Folding a whole reply can add to the report.
        if attempt.reported > reported:
            describe(decision, attempt, route)
        return result

    def _completing(
        self, call: GenerationRequest, route: Route, attempt: Attempt, translation: Translation
    ) -> Send:
        """Return the `Send` for an attempt, which asks again for choices that a server leaves out.

        The model of such a server is remembered: later requests ask for each choice separately. The
        `Send` raises `InvalidRequest` if the choices take too many calls.
        """
        if not attempt.most_calls:
            return self.send

        sent, name = len(attempt.calls), translation.client_param(0, "n") or "n"

        def noticed(further: int) -> None:
            nonlocal sent
            scope = self._resolver.scope(route, call.headers)
            self._fixes.add(scope, route.model_sent, attempt.shape, LEFT_OUT)
            translation.report.emulate(name)
            sent += further
            if sent > attempt.most_calls:
                raise too_many(sent, attempt.most_calls, name)

        # All calls in flight may ask for missing choices at the same time.
        at_once = max(attempt.concurrency // sent, 1)
        return MissingChoices(self.send, attempt.shape, at_once, noticed)


def note_sending(decision: Decision, sent: UpstreamCall) -> None:
    """Note how often a call was sent again, and to which of several addresses."""
    decision.resends += sent.resends
    decision.address = sent.address or decision.address
