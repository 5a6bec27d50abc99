"""How many requests of a client run at the same time (`clients[].max_concurrency`)."""

from collections.abc import Sequence

from gateway.config.settings import ClientSettings
from gateway.errors import GatewayError

RETRY_AFTER = 1
"""Seconds after which a refused client may try again."""


class ClientSlots:
    """The running requests of one client, in this process."""

    __slots__ = ("_limit", "_name", "running")

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self.running = 0
        """The number of requests that run."""

    def take(self) -> GatewayError | None:
        """Count another request; return the error for it if as many run as may."""
        if self.running >= self._limit:
            return GatewayError(
                f"Client '{self._name}' has {self._limit} requests in progress, which is its limit "
                "at this gateway. Wait until one has ended, and try again.",
                status=429,
                type="requests",
                code="rate_limit_exceeded",
                headers=(("retry-after", str(RETRY_AFTER)),),
            )
        self.running += 1
        return None

    def give_back(self) -> None:
        """Count a request as ended."""
        self.running -= 1


def slots_of(clients: Sequence[ClientSettings]) -> dict[str, ClientSlots]:
    """Return the slots of the clients that have a limit, by their names."""
    return {
        client.name: ClientSlots(client.name, client.max_concurrency)
        for client in clients
        if client.max_concurrency is not None
    }
