"""Chooses the address for a socket among those of one upstream, behind one `dial`.

The address with the fewest sockets among those that work (`gateway.upstream.health`) gets it, and
another one if there was no connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import UpstreamError
from gateway.shapes import UpstreamCall
from gateway.sockets import Refused
from gateway.upstream.health import NOT_SENT, Health
from gateway.upstream.websocket.dialer import SocketDialer
from gateway.upstream.websocket.handshake import SWITCHED

if TYPE_CHECKING:
    from gateway.upstream.websocket.open_socket import OpenSocket


@dataclass(frozen=True, slots=True, eq=False)
class SocketAddress:
    """One address, with the health that its requests have shown."""

    health: Health
    dialer: SocketDialer

    @property
    def rank(self) -> tuple[int, float]:
        """The rank among the addresses: the smallest is asked first; one due for a trial leads."""
        health = self.health
        if health.pause:
            return (0 if health.is_due else 2), health.failed_at
        return 1, self.dialer.open


class SocketAddresses:
    """All addresses of one upstream."""

    def __init__(self, addresses: Sequence[SocketAddress]) -> None:
        self._addresses = addresses

    async def dial(self, call: UpstreamCall) -> "OpenSocket":
        """Open a socket at one of the addresses; see `gateway.sockets.Dial`."""
        *others, last = sorted(self._addresses, key=lambda each: each.rank)
        for address in others:
            try:
                return await self._dial(address, call)
            except UpstreamError as error:
                if error.reason not in NOT_SENT:
                    raise
            call.resends += 1
        return await self._dial(last, call)

    async def aclose(self) -> None:
        """Drop every socket, open no more."""
        for address in self._addresses:
            await address.dialer.aclose()

    async def _dial(self, address: SocketAddress, call: UpstreamCall) -> "OpenSocket":
        health = address.health
        if len(self._addresses) > 1:
            call.address = health.address
        is_trial = health.begin_trial()
        try:
            opened = await address.dialer.dial(call)
        except Refused as refused:
            health.replied(refused.reply.status)
            raise
        except UpstreamError as error:
            health.failed(error.reason)
            raise
        else:
            health.replied(SWITCHED)
            return opened
        finally:
            if is_trial:
                health.end_trial()
