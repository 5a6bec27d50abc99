"""Opens the emulator's WebSockets: who may, at which path, for which model."""

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from gateway.demo.accounts import Account, Accounts
from gateway.demo.generation.barrier import Barrier
from gateway.demo.models import Endpoint
from gateway.demo.refusals import Refused
from gateway.demo.refusals.service import no_sockets, unknown_url
from gateway.demo.responses_service import ResponsesService
from gateway.demo.rules.shared import requested_model
from gateway.demo.sockets.connection import SocketConnection
from gateway.demo.sockets.realtime import RealtimeSocket
from gateway.demo.sockets.responses import ResponsesSocket

_REALTIME = "realtime"
_BROWSERS_KEY = "openai-insecure-api-key."
_Open = Callable[[SocketConnection, Account], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """What a test may choose of WebSockets.

    `refused_with` is the status that every handshake gets, as from a server without WebSockets: 404
    or 426; None: they are opened. `clock` returns seconds: after 60 minutes of it a socket is over.
    """

    refused_with: int | None = None
    clock: Callable[[], float] = time.monotonic


DEFAULT = SocketSettings()


class SocketService:
    """Serves sockets on `/v1/responses` and `/v1/realtime`; the arguments are the emulator's."""

    def __init__(
        self,
        settings: SocketSettings,
        accounts: Accounts,
        responses: ResponsesService,
        numbers: Iterator[int],
        created: int,
        barrier: Barrier,
        pace: float,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._responses = responses
        self._numbers = numbers
        self._created = created
        self._barrier = barrier
        self._pace = pace
        self._paths: dict[str, _Open] = {
            Endpoint.RESPONSES: self._open_responses,
            Endpoint.REALTIME: self._open_realtime,
        }

    async def serve(self, connection: SocketConnection) -> None:
        """Answer a handshake, and serve the socket until it is closed."""
        try:
            await self._open(connection)
        except Refused as refused:
            await connection.refuse(refused)
        finally:
            connection.record.finished.set()

    async def _open(self, connection: SocketConnection) -> None:
        path = connection.record.path
        if self._settings.refused_with is not None:
            raise no_sockets(self._settings.refused_with, path)
        if path not in self._paths:
            raise unknown_url("GET", path)
        account = self._accounts.authenticate(_authorization(connection))
        await self._paths[path](connection, account)

    async def _open_responses(self, connection: SocketConnection, account: Account) -> None:
        await connection.accept()
        await ResponsesSocket(connection, account, self._responses, self._barrier, self._pace).run()

    async def _open_realtime(self, connection: SocketConnection, account: Account) -> None:
        if "call_id" in connection.query:
            raise Refused(404, f"Call with id '{connection.query['call_id']}' not found.")
        model = account.model_for(requested_model(connection.query), Endpoint.REALTIME)
        await connection.accept(_REALTIME if _REALTIME in connection.offered else None)
        await RealtimeSocket(
            connection, model, self._numbers, self._created, self._barrier, self._pace
        ).run()


def _authorization(connection: SocketConnection) -> str | None:
    """Return the credential; browsers, which send no header, have it among the subprotocols."""
    for offered in connection.offered:
        if offered.startswith(_BROWSERS_KEY):
            return f"Bearer {offered.removeprefix(_BROWSERS_KEY)}"
    return connection.record.headers.get("authorization")
