"""A Redis server, and what its failures mean. No text here repeats a credential, a key or a value.

The library's own texts are not passed on: they quote commands and addresses.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from redis import asyncio as library
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.config.secret import Secret
from gateway.exchange.stored.responses import StoreError

PATIENCE = 2.0
"""Seconds for one operation in total."""

Command = tuple[str | bytes | int, ...]
"""A command with its arguments."""

_CONNECT_SECONDS = 1.0
_MAX_CONNECTIONS = 32

_UNWRITABLE: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.OutOfMemoryError, "is full (maxmemory)"),
    (exceptions.ReadOnlyError, "is a read-only replica"),
    (exceptions.NoPermissionError, "does not permit this user the commands that are needed"),
)
_UNWRITABLE_CODES = (" (MISCONF)", " (NOREPLICAS)")
"""A server that cannot save its data, or has too few replicas, takes no writes."""
_CODE = re.compile(r"[A-Z]{4,}(?= )")
_NO_DATABASE = "DB index is out of range"
"""What a server replies if it has no database of the chosen number, without the code `ERR`."""

_MEANINGS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.AuthenticationError, "rejects the user name or the password"),
    (exceptions.AuthorizationError, "rejects the user name or the password"),
    (exceptions.BusyLoadingError, "is loading its data"),
    (exceptions.MaxConnectionsError, "has no free connection"),
    (exceptions.TimeoutError, f"did not answer within {PATIENCE:g} s"),
    (TimeoutError, f"did not answer within {PATIENCE:g} s"),
    (exceptions.ConnectionError, "cannot be reached"),
    (OSError, "cannot be reached"),
    (exceptions.ResponseError, "replied with an error"),
)


class NotWritable(StoreError):
    """The server takes no data at the moment; perhaps it can be read."""


class RedisServer:
    """Connections to a server, opened when they are needed.

    `client` repeats an operation once on a new connection, because the server may have closed an
    idle one. `subscriber` does not: what was missed in between has to be read.
    """

    def __init__(self, url: str, credentials: Secret | None) -> None:
        parts = urlsplit(url)
        self._place = f"Redis at {parts.hostname}:{parts.port or 6379}"
        if credentials is not None:
            url = url.replace("://", f"://{credentials.reveal()}@", 1)
        self.client, self.subscriber = _client(url, repeats=1), _client(url, repeats=0)

    @contextlib.contextmanager
    def failures(self) -> Iterator[None]:
        """Turn whatever goes wrong in the block into a `StoreError` that says what it means."""
        try:
            yield
        except (exceptions.RedisError, OSError) as error:
            unwritable = next((text for kind, text in _UNWRITABLE if isinstance(error, kind)), None)
            if unwritable is not None:
                raise NotWritable(f"{self._place} {unwritable}") from None
            code = _code(error)
            failure = NotWritable if code in _UNWRITABLE_CODES else StoreError
            meaning = next((text for kind, text in _MEANINGS if isinstance(error, kind)), "failed")
            if str(error) == _NO_DATABASE:
                meaning = "has no database of that number: change the end of its URL (/0 to /15)"
            raise failure(f"{self._place} {meaning}{code}") from None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """Begin a transaction; one that is not executed in the block leaves nothing."""
        transaction = Transaction(self.client.client())
        try:
            yield transaction
        finally:
            await transaction.aclose()

    async def perform(self, work: Awaitable[Any]) -> Any:
        """Await an operation, for `PATIENCE` seconds at most; raises `StoreError`.

        After a failure, open connections are not used again: they may lead to a server that has
        gone, or has become a replica.
        """
        try:
            with self.failures():
                async with asyncio.timeout(PATIENCE):
                    return await work
        except StoreError:
            await self.client.connection_pool.disconnect(inuse_connections=False)
            raise

    def is_silent(self) -> StoreError:
        """Return the error for a server that does not answer."""
        return StoreError(f"{self._place} did not answer within {PATIENCE:g} s")

    async def aclose(self) -> None:
        """Close all connections."""
        await self.client.aclose()
        await self.subscriber.aclose()


class Transaction:
    """Commands that take effect together, sent in pieces: other requests are served in between.

    The library's own sends all of them in one turn of the event loop. `perform` awaits the methods.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        """Has one connection, from the first command on."""
        self._is_open = False

    async def queue(self, commands: Sequence[Command]) -> None:
        """Send commands; nothing has taken effect yet."""
        await self._client.initialize()
        await self._ask([*([] if self._is_open else [("MULTI",)]), *commands])

    async def execute(self) -> list[Any]:
        """Have all commands take effect, and return the reply to each."""
        (replies,) = await self._ask([("EXEC",)])
        self._is_open = False
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return list(replies)

    async def aclose(self) -> None:
        """Give the connection back, closed if the transaction is open: the server forgets it."""
        if self._is_open:
            await self._client.connection.disconnect(nowait=True)
        await self._client.aclose()

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        self._is_open = True
        connection = self._client.connection
        await connection.send_packed_command(connection.pack_commands(commands))
        return [await connection.read_response() for _ in commands]


def _client(url: str, repeats: int) -> Any:
    pool = library.BlockingConnectionPool.from_url(
        url,
        max_connections=_MAX_CONNECTIONS,
        timeout=PATIENCE,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=PATIENCE,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), repeats),
        retry_on_error=[exceptions.ConnectionError] if repeats else [],
    )
    return library.Redis.from_pool(pool)


def _code(error: Exception) -> str:
    """Return the code at the beginning of a server's error (`MISCONF`), or the system's reason."""
    if type(error) is exceptions.ResponseError:
        code = _CODE.match(str(error))
        return f" ({code[0]})" if code is not None else ""
    cause = error.__cause__ or error
    return f": {cause.strerror}" if isinstance(cause, OSError) and cause.strerror else ""
