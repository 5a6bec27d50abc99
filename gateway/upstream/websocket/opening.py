"""Waits for the reply to a handshake, on a connection that carries nothing else."""

from gateway.errors import Reason, UpstreamTimeout
from gateway.upstream.transport.client_tls import CertificateRefused, certificate_refused
from gateway.upstream.transport.connection import Connection
from gateway.upstream.transport.reply_parser import HEAD_LIMIT
from gateway.upstream.websocket.handshake import without_interim


class Opening:
    """Takes what comes first on a connection: a `Receiver`, until another one is attached."""

    def __init__(self, connection: Connection, name: str, seconds: float) -> None:
        self._connection = connection
        self._name = name
        self._seconds = seconds
        self._data = b""
        self._is_late = False
        self._refused: CertificateRefused | None = None
        self._waiter = connection.loop.create_future()

    async def reply(self, head: bytes) -> tuple[bytes, int | None]:
        """Send the head of a request; return the arrived part of the reply, and its status.

        The status is None if there will be no complete head, for example because the connection has
        ended. Raises `UpstreamTimeout` and `CertificateRefused`.
        """
        connection = self._connection
        connection.attach(self)
        connection.write(head)
        connection.set_deadline(connection.loop.time() + self._seconds)
        if not connection.closed:
            await self._waiter
        if self._is_late:
            raise UpstreamTimeout(
                f"Upstream '{self._name}' did not answer a WebSocket handshake within "
                f"{self._seconds:g} s.",
                reason=Reason.FIRST_BYTE_TIMEOUT,
            )
        if self._refused is not None:
            raise self._refused
        return without_interim(self._data)

    def receive(self, data: bytes) -> None:
        """Take bytes of the reply (called by the connection)."""
        self._data += data
        if without_interim(self._data)[1] is not None or len(self._data) > HEAD_LIMIT:
            self._wake()

    def lost(self, error: Exception | None) -> None:
        """Take the connection's end (called by the connection); the next reader says the rest."""
        self._refused = None if self._data else certificate_refused(self._name, error)
        self._wake()

    def expired(self) -> None:
        """Note that the wait was too long (called by the connection)."""
        self._is_late = True
        self._wake()

    def _wake(self) -> None:
        if not self._waiter.done():
            self._waiter.set_result(None)
