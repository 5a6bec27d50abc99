"""Requests that are served without a task, where nothing has to be waited for but the reply.

What repeats an earlier decision is written to an idle connection from within the client's read,
and answered from within the upstream's. Everything else, and whatever turns out to be otherwise,
goes on in a task, by the same code as any request.
"""

import logging
from collections.abc import Awaitable, Callable

from gateway.api.admission import Admission, ClientConnection, carry_id
from gateway.api.endings import ClientGone, written_at_once
from gateway.api.serving import Serving
from gateway.api.writing import ReplyWriter
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.repeated_call import RepeatedCall
from gateway.exchange.repeats import Repeats
from gateway.observe.observer import Observer
from gateway.observe.outcomes import Ending
from gateway.request import GenerationRequest

log = logging.getLogger("gateway")


class ServingAtOnce(Serving):
    """One request for generation: a `ServedAtOnce`."""

    __slots__ = ("_answer", "_call", "_connection", "_is_in_task", "_repeated", "_repeats")

    def __init__(
        self,
        observer: Observer,
        repeats: Repeats,
        admission: Admission,
        call: GenerationRequest,
        writer: ReplyWriter,
        connection: ClientConnection,
    ) -> None:
        super().__init__(observer, admission, writer)
        self._repeats = repeats
        self._call = call
        self._connection = connection
        self._repeated: RepeatedCall | None = None
        self._answer: ClientReply | None = None
        self._is_in_task = False

    def begin(self) -> None:
        """Send the request, if nothing has to be waited for; see `ServedAtOnce`."""
        if self._is_in_task:
            return
        carry_id(self.decision)  # calls of one turn share a context
        try:
            self._repeated = repeated = self._repeats.repeated(self._call, self.decision)
            is_begun = repeated is not None and repeated.begin(self._notified)
        except Exception:  # noqa: BLE001 - `rest()` raises it again, where it is reported
            is_begun = False
        if not is_begun:
            self._connection.serve_in_task()

    def rest(self) -> Callable[[], Awaitable[None]]:
        """Return what serves the rest of the request; see `ServedAtOnce`."""
        self._is_in_task = True
        return self._rest

    async def _rest(self) -> None:
        await self.end_with(self._present)

    async def _present(self) -> ClientReply:
        """Return the reply for a client that is there."""
        reply = await self._reply()
        if self.writer.gone and isinstance(reply.body, bytes):
            raise ClientGone  # in this turn: the task is cancelled in the next
        return reply

    def _reply(self) -> Awaitable[ClientReply]:
        repeated = self._repeated
        if self._answer is not None:
            return _ready(self._answer)
        if self.writer.gone and (repeated is None or repeated.begun is None):
            raise ClientGone
        if repeated is not None:
            return repeated.reply()
        return self._repeats.run_anew(self._call, self.decision)

    def _notified(self) -> None:
        """Write the reply, if it is simple and all of it is here."""
        if self._is_in_task:
            return
        try:
            ending = self._written()
        except Exception:  # noqa: BLE001 - as in `begin`
            ending = None
        if ending is None:
            self._connection.serve_in_task()
            return
        try:
            self.record(ending)
        except Exception:
            log.exception("a request failed inside the gateway")
        finally:
            self._connection.served()

    def _written(self) -> Ending | None:
        repeated = self._repeated
        answer = repeated.reply_now() if repeated is not None else None
        if answer is None:
            return None
        self._answer = answer
        return written_at_once(answer, self.writer, self.decision)


async def _ready(answer: ClientReply) -> ClientReply:
    return answer
