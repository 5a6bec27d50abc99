"""The addresses of a host name, asked of the system without waiting for other names.

An event loop asks in a few threads that all names share: with uvloop, in two at a time. A name
whose servers do not answer keeps a thread for 10 to 30 seconds, so that soon no other name is
resolved, and the end of the process waits for all that are asked for. So each question has a thread
of its own here, which nothing waits for, and a name is asked for once for all that want it.
"""

import asyncio
import contextlib
import errno
import os
import socket
from threading import Thread
from typing import Any, Final

RENEWAL: Final = 5.0
"""Seconds after which a question that is not answered is put again, which may have better luck."""
MOST_QUESTIONS: Final = 4
"""Questions for one name that may be unanswered at a time."""

Infos = list[tuple[Any, ...]]
"""What `socket.getaddrinfo` returns."""


class HostName:
    """A name and a port. What it resolves to is not kept beyond the question."""

    def __init__(self, host: str, port: int | str | None) -> None:
        self._host = host
        self._port = port
        self._pending: asyncio.Future[Infos | OSError] | None = None
        """The last question, unless it is answered."""
        self._asked_at = 0.0
        self._unanswered = 0

    async def addresses(self, patience: float) -> list[str]:
        """Return the addresses of `infos` as texts; raises what that raises."""
        return [numeric_host(info[4]) for info in await self.infos(patience)]

    async def infos(self, patience: float | None = None) -> Infos:
        """Return what the name resolves to now, or did when another waiter asked.

        Raises `OSError`, `TimeoutError` after `patience` seconds among them.
        """
        pending, now = self._pending, asyncio.get_running_loop().time()
        is_due = now - self._asked_at > RENEWAL and self._unanswered < MOST_QUESTIONS
        if pending is None or is_due:
            self._asked_at = now
            pending = self._ask()
        async with asyncio.timeout(patience):
            found = await asyncio.shield(pending)
        if isinstance(found, OSError):
            raise type(found)(*found.args)  # each has a traceback of its own
        return found

    def _ask(self) -> asyncio.Future[Infos | OSError]:
        loop = asyncio.get_running_loop()
        pending: asyncio.Future[Infos | OSError] = loop.create_future()
        self._pending = pending
        self._unanswered += 1
        try:
            Thread(
                target=self._question, args=(loop, pending), name="host-name", daemon=True
            ).start()
        except RuntimeError:
            self._answer(pending, OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)))
        return pending

    def _question(
        self, loop: asyncio.AbstractEventLoop, pending: asyncio.Future[Infos | OSError]
    ) -> None:
        found: Infos | OSError
        try:
            found = list(socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
        except OSError as error:
            found = error
        except UnicodeError as error:
            found = socket.gaierror(socket.EAI_NONAME, str(error))
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._answer, pending, found)

    def _answer(self, pending: asyncio.Future[Infos | OSError], found: Infos | OSError) -> None:
        self._unanswered -= 1
        if self._pending is pending:
            self._pending = None
        pending.set_result(found)


def numeric_host(sockaddr: tuple[object, ...]) -> str:
    """Return an address's host, with the scope of a link-local IPv6 address."""
    host, scope = str(sockaddr[0]), sockaddr[3] if len(sockaddr) == 4 else 0
    return f"{host}%{scope}" if scope and "%" not in host else host
