"""How many requests of a client run at the same time (`clients[].max_concurrency`)."""

from collections.abc import MutableMapping, Sequence

from gateway.config.checks.problems import counted
from gateway.config.settings import ClientSettings
from gateway.errors import GatewayError

RETRY_AFTER = 1
"""Seconds after which a refused client may try again."""


def too_many_requests(message: str) -> GatewayError:
    """Return the error for a request beyond what a client may have at the same time."""
    return GatewayError(
        message,
        status=429,
        type="requests",
        code="rate_limit_exceeded",
        headers=(("retry-after", str(RETRY_AFTER)),),
    )


class Running:
    """The number of one client's requests that run in this process."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class ClientSlots:
    """The limit of one client's `running` requests."""

    __slots__ = ("_limit", "_name", "_running")

    def __init__(self, name: str, limit: int, running: Running) -> None:
        self._name = name
        self._limit = limit
        self._running = running

    def take(self) -> GatewayError | None:
        """Count another request; return the error for it if the limit is reached."""
        if self._running.count >= self._limit:
            return too_many_requests(
                f"Client '{self._name}' has {counted(self._limit, 'request')} in progress, which "
                "is its limit at this gateway. Wait until one has ended, and try again."
            )
        self._running.count += 1
        return None

    def give_back(self) -> None:
        """Count a request as ended."""
        self._running.count -= 1


def slots_of(
    clients: Sequence[ClientSettings], running: MutableMapping[str, Running]
) -> dict[str, ClientSlots]:
    """Return the slots of the clients that have a limit, by their names.

    `running` has what is counted already, and gets further clients.
    """
    return {
        client.name: ClientSlots(
            client.name, client.max_concurrency, running.setdefault(client.name, Running())
        )
        for client in clients
        if client.max_concurrency is not None
    }
