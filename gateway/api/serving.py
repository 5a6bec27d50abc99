"""The serving of one request: from its decision to the record of its end."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from gateway.api.admission import Admission, begin, carry_id
from gateway.api.endings import (
    ClientGone,
    client_error,
    ending_of,
    undo_cancellation,
    written,
    written_at_once,
)
from gateway.api.writing import ReplyWriter
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.observe.observer import Observer
from gateway.observe.outcomes import (
    CLIENT_CLOSED,
    CUT_OFF,
    FAILED_INSIDE,
    Ending,
    broken_by,
    ended_with,
)


class Serving:
    """One request that is being served. It counts as in flight until its end is recorded."""

    __slots__ = ("_admission", "_observer", "_started", "decision", "writer")

    def __init__(self, observer: Observer, admission: Admission, writer: ReplyWriter) -> None:
        self._observer = observer
        self._admission = admission
        self.writer = writer
        writer.decision = self.decision = begin(admission)
        self._started = perf_counter()
        observer.in_flight[admission.label] += 1

    async def end_with(self, reply: Callable[[], Awaitable[ClientReply]]) -> None:
        """Write the reply that is returned, or the error that is raised, and record the end.

        Cancelled when the client disconnects.
        """
        writer, decision = self.writer, self.decision
        carry_id(decision)
        ending = CLIENT_CLOSED
        try:
            try:
                answer = await reply()
            except (ClientGone, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - reported to the client, and logged
                ending = ending_of(error, decision)
                await writer.write_error(client_error(error, decision), decision)
            else:
                at_once = written_at_once(answer, writer, decision)
                ending = at_once or await written(answer, writer, decision)
                if self._admission.error is not None:
                    ending = ended_with(self._admission.error)
        except asyncio.CancelledError:
            if not writer.gone:
                ending = CUT_OFF
                raise
            undo_cancellation()
        except ClientGone:
            pass
        except GatewayError as error:
            ending = broken_by(error)
        except Exception:
            ending = FAILED_INSIDE
            raise
        finally:
            self.record(ending)

    def record(self, ending: Ending) -> None:
        """Record the end of the request; nothing follows."""
        seconds = perf_counter() - self._started
        label, writer, decision = self._admission.label, self.writer, self.decision
        self._observer.in_flight[label] -= 1
        if writer.started:
            first_at = writer.first_at
            decision.first_byte = first_at - self._started if first_at else seconds
        status = writer.status_shown(cut_off=ending is CUT_OFF)
        self._observer.finished(decision, label, ending, status, seconds)
