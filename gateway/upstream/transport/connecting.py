"""Opens connections to an upstream for those who keep them."""

from collections.abc import Callable

from gateway.upstream.transport.connection import Connection, Owner
from gateway.upstream.transport.dial import Dialer


async def new_connection(owner: Owner, dialer: Dialer, check: Callable[[], None]) -> Connection:
    """Open a connection for its owner; `check` raises if it is no longer wanted once it is open.

    Raises what the dialer raises. A failed attempt leaves no connection behind.
    """
    attempts: list[Connection] = []

    def attempt() -> Connection:
        attempts.append(Connection(owner))
        return attempts[-1]

    try:
        connection = await dialer.connect(attempt)
        check()
    except BaseException:
        for failed in attempts:
            failed.abort()
            # uvloop closes the socket of a cancelled attempt without telling its protocol.
            owner.connection_gone(failed)
        raise
    return connection
