"""The only address of an upstream: its sender and its health. It is asked even if it failed."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, Self, cast

from gateway.errors import UpstreamError
from gateway.shapes import BegunReply, SendsAtOnce, UpstreamCall, UpstreamReply
from gateway.upstream.health import AddressHealth, Health
from gateway.upstream.slots import Slots, UpstreamStats


class Sender(Protocol):
    """Sends calls to one address: `Pool` or `HttpClient`."""

    @property
    def at_once(self) -> SendsAtOnce | None:
        """The sender in two parts; None if there is none."""

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """Send one call; see `gateway.shapes.Send`."""

    def for_look_ups(self, slots: Slots | None = None) -> Self:
        """Return a sender to the same address, with the connections and slots of look-ups."""

    def stats(self) -> UpstreamStats:
        """Return how many requests and connections there are now."""

    async def aclose(self) -> None:
        """Close every connection, refuse requests that wait."""


class OneAddress:
    """The only address of an upstream, with its health. It is asked even if it has failed."""

    def __init__(self, health: Health, sender: Sender) -> None:
        self._health = health
        self._sender = sender
        self._at_once = sender.at_once

    def for_look_ups(self) -> "OneAddress":
        """Return the sender of look-ups."""
        return OneAddress(self._health, self._sender.for_look_ups())

    def send(self, call: UpstreamCall) -> Coroutine[Any, Any, UpstreamReply]:
        """Send one call; see `gateway.shapes.Send`."""
        return self._noted(self._sender.send(call))

    def begin(self, call: UpstreamCall, notify: Callable[[], None]) -> BegunReply | None:
        """Begin one call; see `gateway.shapes.SendsAtOnce`.

        None also after a failure, until `send()` has noted a success, since `take_over()` notes
        none.
        """
        if self._at_once is None or self._health.in_a_row:
            return None
        return self._at_once.begin(call, notify)

    def end(self, call: UpstreamCall, begun: BegunReply) -> Coroutine[Any, Any, UpstreamReply]:
        """Return the reply to a begun call; see `gateway.shapes.SendsAtOnce`."""
        return self._noted(cast("SendsAtOnce", self._at_once).end(call, begun))

    async def _noted(self, answered: Awaitable[UpstreamReply]) -> UpstreamReply:
        """Return a reply, and note in the health whether the address works."""
        health = self._health
        try:
            reply = await answered
        except UpstreamError as error:
            health.failed(error.reason)
            raise
        if health.in_a_row or reply.status >= 500:
            health.replied(reply.status)
        return reply

    def stats(self) -> UpstreamStats:
        """Return how many requests and connections there are now."""
        return self._sender.stats()

    def health(self) -> tuple[AddressHealth, ...]:
        """Return a look at the address."""
        return (look(self._health, self._sender.stats()),)

    async def aclose(self) -> None:
        """Close every connection, refuse requests that wait."""
        await self._sender.aclose()


def look(health: Health, stats: UpstreamStats) -> AddressHealth:
    """Return a look at an address and its connections."""
    return AddressHealth(
        health.address,
        health.up,
        stats.in_flight,
        stats.idle,
        health.failures,
        health.reason,
        health.retry_in,
    )
