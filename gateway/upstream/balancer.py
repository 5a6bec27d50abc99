"""Chooses among several addresses of one upstream, and says when another one is asked.

The least busy address gets a request, ties in turn. Another one is asked only if nothing of the
request can have been processed: there was no connection, or the server said that it is loading its
model. Any other reply, or failure, is final, since a repetition could generate, and cost, a second
time.

All addresses share one queue, so that none is idle while a request waits for another.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from gateway.config.settings import UpstreamSettings
from gateway.errors import Reason, UpstreamError
from gateway.shapes import UpstreamCall, UpstreamReply
from gateway.upstream.health import NOT_SENT, AddressHealth, Health
from gateway.upstream.loading import STATUS, loading_reply
from gateway.upstream.one_address import Sender, look
from gateway.upstream.slots import Share, Slots, UpstreamStats, for_look_ups, for_requests
from gateway.upstream.transport.client_tls import CertificateRefused


@dataclass(frozen=True, slots=True, eq=False)
class _Address:
    """One address: its health, its sender, and its part of the slots."""

    health: Health
    sender: Sender
    share: Share


class Balancer:
    """The addresses of one upstream behind one `send`.

    `make` has a function for each address that makes the address's sender, given its slots. `slots`
    are the slots of all addresses together; by default those for clients' requests.
    """

    def __init__(
        self,
        upstream: UpstreamSettings,
        healths: Sequence[Health],
        make: Sequence[Callable[[Slots], Sender]],
        slots: Slots | None = None,
    ) -> None:
        self._upstream = upstream
        self._slots = slots or for_requests(upstream, len(healths))
        self._each = self._slots.limit // len(healths)
        self._addresses: list[_Address] = []
        for health, made in zip(healths, make, strict=True):
            share = Share(upstream.name, self._each, self._given_back)
            self._addresses.append(_Address(health, made(share), share))
        self._turn = 0

    def for_look_ups(self) -> "Balancer":
        """Return the sender of look-ups, which has slots of its own and shares the health."""
        return Balancer(
            self._upstream,
            [address.health for address in self._addresses],
            [address.sender.for_look_ups for address in self._addresses],
            for_look_ups(self._upstream, len(self._addresses)),
        )

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """Send one call; see `gateway.shapes.Send`.

        If no address answers, returns the reply of one that is loading its model, if there is one,
        and raises the last error otherwise.
        """
        self._fit()
        if not self._slots.take():
            await self._acquire(call)
        repeatable = isinstance(call.body, bytes)
        loading: UpstreamReply | None = None
        tried: list[_Address] = []
        while True:
            address = self._choose(tried, repeatable=repeatable)
            tried.append(address)
            is_last = len(tried) == len(self._addresses)
            try:
                reply, is_loading = await self._ask(address, call)
            except UpstreamError as error:
                is_used_up = not repeatable and isinstance(error, CertificateRefused)
                if error.reason not in NOT_SENT or is_used_up or (is_last and loading is None):
                    raise
            else:
                if is_last or not (is_loading and repeatable):
                    return reply
                loading = reply
            if is_last and loading is not None:
                return loading
            # The request's slot went to the first in the queue; this request has waited before.
            await self._acquire(call, first=True)
            call.resends += 1

    def stats(self) -> UpstreamStats:
        """Return how many requests and connections there are now, at all addresses together."""
        idle = [address.sender.stats().idle for address in self._addresses]
        known = [count for count in idle if count is not None]
        return UpstreamStats(
            in_flight=self._slots.in_use,
            idle=sum(known) if len(known) == len(idle) else None,
            queued=self._slots.queued,
        )

    def health(self) -> tuple[AddressHealth, ...]:
        """Return a look at each address, in the order of the configuration."""
        return tuple(look(address.health, address.sender.stats()) for address in self._addresses)

    async def failing(self, call: UpstreamCall, seconds: float) -> dict[str, Reason]:
        """Send a call to every address, and return why some fail, by base URL.

        Each may take `seconds` until the head of its reply.
        """

        async def ask(address: _Address) -> Reason | None:
            await self._acquire(call)
            try:
                async with asyncio.timeout(seconds):
                    reply, is_loading = await self._ask(address, call.copy())
            except UpstreamError as error:
                return error.reason
            except TimeoutError:
                return Reason.FIRST_BYTE_TIMEOUT
            await reply.aclose()
            return Reason.LOADING if is_loading else None

        reasons = await asyncio.gather(*map(ask, self._addresses))
        found = zip(self._addresses, reasons, strict=True)
        return {address.health.address: reason for address, reason in found if reason is not None}

    async def aclose(self) -> None:
        """Close every connection, refuse requests that wait."""
        self._slots.close()
        for address in self._addresses:
            await address.sender.aclose()

    async def _acquire(self, call: UpstreamCall, *, first: bool = False) -> None:
        """Wait for a slot; see `Slots.acquire`.

        A failed request hands its slot to the next request before its address is ejected. Then
        there are fewer slots than are in use, and the next request has to wait on.
        """
        seconds = self._upstream.timeouts.but(call.timeouts).queue
        await self._slots.acquire(first=first, seconds=seconds)
        while self._slots.in_use > self._slots.limit:
            self._slots.release()
            await self._slots.acquire(first=True, seconds=seconds)

    async def _ask(self, address: _Address, call: UpstreamCall) -> tuple[UpstreamReply, bool]:
        """Send a call to one address; return the reply, and whether the model is being loaded."""
        health = address.health
        call.address = health.address
        is_trial = health.begin_trial()
        try:
            reply = await address.sender.send(call)
            loading = await loading_reply(reply) if reply.status == STATUS else None
        except UpstreamError as error:
            health.failed(error.reason)
            raise
        else:
            if loading is not None:
                health.failed(Reason.LOADING)
                return loading, True
            health.replied(reply.status)
            return reply, False
        finally:
            if is_trial:
                health.end_trial()
            self._fit()

    def _choose(self, tried: Sequence[_Address], *, repeatable: bool) -> _Address:
        """Return an untried address for a request; `tried` are the addresses it has tried before.

        An ejected address that is due for a trial comes first, if the request can be sent again. If
        all others are ejected, the one whose last failure is the longest ago is returned.
        """
        chosen, fewest = None, inf
        for address in self._addresses[self._turn :] + self._addresses[: self._turn]:
            if address in tried:
                continue
            if address.health.pause:
                if repeatable and not tried and address.health.is_due:
                    return address
            elif address.share.in_use < fewest:
                chosen, fewest = address, address.share.in_use
        if chosen is None:
            left = [address for address in self._addresses if address not in tried]
            return min(left, key=lambda address: address.health.failed_at)
        self._turn = (self._addresses.index(chosen) + 1) % len(self._addresses)
        return chosen

    def _fit(self) -> None:
        """Set the number of slots to the requests that all addresses together may have.

        An ejected address counts with the requests that it still has, or with the one that may try
        it.
        """
        limit, has_any_up = 0, False
        for address in self._addresses:
            if address.health.pause:
                limit += max(address.share.in_use, address.health.is_due)
            else:
                limit += self._each
                has_any_up = True
        if not has_any_up:
            limit = self._each * len(self._addresses)
        if limit != self._slots.limit:
            self._slots.resize(limit)

    def _given_back(self) -> None:
        self._fit()
        self._slots.release()
