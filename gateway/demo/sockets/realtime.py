"""A socket on `/v1/realtime`: a session in the shape of general availability.

It answers in text, or in silence with a transcript. Errors are events, and leave the socket open.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from gateway.demo.call import parsed
from gateway.demo.generation.answer import Json, Phase, ReplyIds
from gateway.demo.generation.barrier import Barrier
from gateway.demo.generation.scenarios import Behaviour
from gateway.demo.models import DemoModel
from gateway.demo.refusals import Refused
from gateway.demo.sockets.connection import GOING_AWAY, SocketConnection
from gateway.demo.sockets.realtime_reply import Reply, reply_to
from gateway.demo.sockets.realtime_rules import check_event
from gateway.demo.sockets.realtime_session import RealtimeSession

_APPEND = "input_audio_buffer.append"
_EXPIRED = Refused(
    400, "Your session hit the maximum duration of 60 minutes.", code="session_expired"
)
_LIMITS = [
    {"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 60},
    {"name": "tokens", "limit": 50_000, "remaining": 49_950, "reset_seconds": 0.06},
]


class RealtimeSocket:
    """Serves one open socket. `pace` is the time between two events of a response, in seconds."""

    def __init__(
        self,
        connection: SocketConnection,
        model: DemoModel,
        numbers: Iterator[int],
        created: int,
        barrier: Barrier,
        pace: float,
    ) -> None:
        self._connection = connection
        self._model = model.id
        self._numbers = numbers
        self._created = created
        self._barrier = barrier
        self._pace = pace
        self._session = RealtimeSession(model.id, next(numbers), created)
        self._events = 0
        self._active: tuple[Reply, asyncio.Task[None]] | None = None
        self._handlers: dict[str, Callable[[Json], Awaitable[None]]] = {
            "session.update": self._update,
            _APPEND: self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.truncate": self._truncate_item,
            "response.create": self._respond,
            "response.cancel": self._cancel,
        }

    async def run(self) -> None:
        """Serve the socket until it is closed."""
        await self._send("session.created", session=self._session.settings)
        try:
            async for text in self._connection.messages():
                if self._connection.is_expired:
                    await self._refuse(_EXPIRED, None)
                    await self._connection.close(GOING_AWAY, "session_expired")
                    return
                await self._take(text)
        finally:
            await self._stop()

    async def _take(self, text: str) -> None:
        event_id = None
        try:
            event = parsed(text)
            if event.get("type") != _APPEND:
                self._connection.record.messages.append(text)
            event_id = event.get("event_id")
            await self._handlers[check_event(event)](event)
        except Refused as refused:
            await self._refuse(refused, event_id)

    async def _refuse(self, refused: Refused, event_id: object) -> None:
        error = {**refused.envelope()["error"], "event_id": event_id}
        await self._send("error", error=error)

    async def _send(self, kind: str, **members: object) -> None:
        self._events += 1
        event_id = f"event_demo{self._events:08d}"
        await self._connection.send({"type": kind, "event_id": event_id, **members})

    async def _update(self, event: Json) -> None:
        self._session.update(event["session"])
        await self._send("session.updated", session=self._session.settings)

    async def _append(self, event: Json) -> None:
        self._session.append(event["audio"])

    async def _commit(self, event: Json) -> None:  # noqa: ARG002 - it has nothing but its type
        item = self._session.commit()
        before = self._session.add(item)
        kind = "input_audio_buffer.committed"
        await self._send(kind, previous_item_id=before, item_id=item["id"])
        await self._announce(item, before)

    async def _clear(self, event: Json) -> None:  # noqa: ARG002 - the same
        self._session.clear()
        await self._send("input_audio_buffer.cleared")

    async def _create_item(self, event: Json) -> None:
        item = self._session.item(event["item"])
        await self._announce(item, self._session.add(item, event.get("previous_item_id")))

    async def _announce(self, item: Json, before: str | None) -> None:
        for kind in ("conversation.item.added", "conversation.item.done"):
            await self._send(kind, previous_item_id=before, item=item)

    async def _retrieve_item(self, event: Json) -> None:
        item = self._session.retrieve(event["item_id"])
        await self._send("conversation.item.retrieved", item=item)

    async def _delete_item(self, event: Json) -> None:
        self._session.delete(event["item_id"])
        await self._send("conversation.item.deleted", item_id=event["item_id"])

    async def _truncate_item(self, event: Json) -> None:
        self._session.retrieve(event["item_id"])
        shown = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        await self._send("conversation.item.truncated", **shown)

    async def _respond(self, event: Json) -> None:
        if self._active is not None:
            raise Refused(
                400,
                "Conversation already has an active response in progress:"
                f" {self._active[0].id}. Wait until the response is finished before creating a new"
                " one.",
                code="conversation_already_has_active_response",
            )
        asked = event.get("response") or {}
        belongs = asked.get("conversation") != "none"
        reply = reply_to(
            asked.get("input") or self._session.items,
            self._session.settings_for(asked),
            self._model,
            ReplyIds(next(self._numbers), self._created),
            self._session.conversation_id if belongs else None,
        )
        self._active = (reply, asyncio.create_task(self._deliver(reply)))

    async def _deliver(self, reply: Reply) -> None:
        await self._send("response.created", response=reply.resource("in_progress"))
        await self._send("rate_limits.updated", rate_limits=_LIMITS)
        before = self._session.items[-1]["id"] if self._session.items else None
        deltas = 0
        for phase, kind, members in reply.events():
            if kind.startswith("conversation."):
                if reply.conversation_id is None:
                    continue
                await self._send(kind, previous_item_id=before, **members)
                before = members["item"]["id"] if kind.endswith(".done") else before
                continue
            await self._send(kind, **members)
            deltas += phase is Phase.DELTA
            if deltas == 1 and phase is Phase.DELTA and self._waits(reply):
                await self._barrier.wait()
            await asyncio.sleep(self._pace)
        if reply.conversation_id is not None:
            for item in reply.output():
                self._session.add(item)
        self._active = None
        await self._send("response.done", response=reply.resource())

    @staticmethod
    def _waits(reply: Reply) -> bool:
        return reply.scenario.behaviour is Behaviour.SLOW

    async def _cancel(self, event: Json) -> None:
        reply = None if self._active is None else self._active[0]
        if reply is None or event.get("response_id") not in (None, reply.id):
            raise Refused(
                400,
                "Cancellation failed: no active response found",
                code="response_cancel_not_active",
            )
        await self._stop()
        details = {"type": "cancelled", "reason": "client_cancelled"}
        await self._send("response.done", response=reply.resource("cancelled", details))

    async def _stop(self) -> None:
        if self._active is not None:
            task, self._active = self._active[1], None
            task.cancel()
            await asyncio.wait({task})
