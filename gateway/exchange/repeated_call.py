"""One call that repeats a decision: sent, and answered at once where its reply is simple."""

from collections.abc import Callable
from typing import cast

import msgspec

from gateway.errors import GatewayError
from gateway.exchange.answers import answer_at_once
from gateway.exchange.attempt import Attempt
from gateway.exchange.attempt_runner import note_sending
from gateway.exchange.bodies.request_fields import Routed, read_routed
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange, RoutedRequest, for_client
from gateway.fast.paths import Fast
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.memory import Features
from gateway.shapes import BegunReply, SendsAtOnce, UpstreamCall


class RepeatedCall(msgspec.Struct):
    """A request on which nothing has to be decided before its reply arrives.

    `begin()` and `reply_now()` serve it without a task. `reply()` serves it in a task, from the
    start or from wherever the other two have got to.
    """

    exchange: Exchange
    at_once: SendsAtOnce | None
    """The sender in two parts; None if there is none, so that `reply()` has to serve it."""
    call: GenerationRequest
    decision: Decision
    route: Route
    routed: Routed | None
    """The fields that routing needs; None: they are read from the body once they are needed."""
    features: Features
    fast: Fast | None
    sent: UpstreamCall
    begun: BegunReply | None = None
    is_simple: bool = True
    """False once the reply has turned out not to be simple; see `answer_at_once`."""

    def begin(self, notify: Callable[[], None]) -> bool:
        """Send the call if that needs no waiting; return whether it was sent.

        `notify` is as for `SendsAtOnce`.
        """
        if self.at_once is None:
            return False
        self.begun = self.at_once.begin(self.sent, notify)
        return self.begun is not None

    def reply_now(self) -> ClientReply | None:
        """Return the client's reply if the upstream's has arrived whole and is simple; else None.

        Raises what `reply()` raises; after None or an error, `reply()` can still be called.
        """
        begun = self.begun
        if begun is None:
            return None
        reply = answer_at_once(self.fast, begun)
        if reply is None:
            self.is_simple = not begun.ended
        else:
            begun.take_over()
        return reply

    async def reply(self) -> ClientReply:
        """Return the client's reply; see `Exchange.run`, whose loop serves what is not simple."""
        fast, sent, decision = self.fast, self.sent, self.decision
        try:
            if self.begun is None:
                reply = await self.exchange.runner.send(sent)
            else:
                reply = await cast("SendsAtOnce", self.at_once).end(sent, self.begun)
            at_once = answer_at_once(fast, reply) if self.is_simple else None
            if at_once is not None:
                reply.arrived()
                return at_once
        except (GatewayError, RecursionError) as error:
            raise for_client(error, self.call, decision) from None
        finally:
            if sent.resends or sent.address:
                note_sending(decision, sent)
        shape, items = self.route.shape, self.call.items
        attempt = Attempt(shape, [sent], translation=fast, fast=fast, items=items)
        routed = read_routed(self.call.body) if self.routed is None else self.routed
        request = RoutedRequest(self.call, decision, self.route, routed, self.features)
        return await self.exchange.go_on(request, attempt, reply)
