"""A socket on `/v1/responses`: each `response.create` is a response, whose events are messages.

Creates with the same stream id, or without one, run one after another; streams run side by side.
Errors leave the socket open. No model here can be steered.
"""

import asyncio

from gateway.demo.accounts import Account
from gateway.demo.call import parsed
from gateway.demo.endpoints.responses import items_of
from gateway.demo.generation.answer import Answer, Json
from gateway.demo.generation.barrier import Barrier
from gateway.demo.generation.delivery import Ending, write_events
from gateway.demo.kept_responses import Earlier
from gateway.demo.refusals import Refused
from gateway.demo.refusals.service import rate_limited
from gateway.demo.responses_service import ResponsesService, keep
from gateway.demo.sockets.connection import INTERNAL_ERROR, NORMAL_CLOSURE, SocketConnection
from gateway.demo.sockets.creates import (
    CREATE,
    STEER,
    Create,
    check_steering,
    create_of,
    event_type,
    stream_id_of,
)
from gateway.demo.sockets.frames import (
    LIMIT_REACHED,
    error_frame,
    framed,
    prewarmed,
    steer_failed,
)
from gateway.demo.sockets.memory import ConnectionMemory

_LAST_EVENTS = (b"event: response.completed\n", b"event: response.incomplete\n")
MOST_WAITING = 64
"""How many creates of one socket may be under way or wait for their turn."""


class ResponsesSocket:
    """Serves one open socket. `pace` is the time between two events, in seconds."""

    def __init__(
        self,
        connection: SocketConnection,
        account: Account,
        service: ResponsesService,
        barrier: Barrier,
        pace: float,
    ) -> None:
        self._connection = connection
        self._account = account
        self._service = service
        self._barrier = barrier
        self._pace = pace
        self._memory = ConnectionMemory()
        self._last: dict[str | None, asyncio.Task[None]] = {}
        self._turns: set[asyncio.Task[None]] = set()
        self._running: set[str] = set()

    async def run(self) -> None:
        """Serve the socket until it is closed."""
        async with asyncio.TaskGroup() as group:
            async for text in self._connection.messages():
                self._connection.record.messages.append(text)
                if self._connection.is_expired:
                    await self._connection.send(error_frame(LIMIT_REACHED, None))
                    await self._connection.close(NORMAL_CLOSURE)
                    break
                await self._take(text, group)
            for turn in self._turns:
                turn.cancel()

    async def _take(self, text: str, group: asyncio.TaskGroup) -> None:
        stream_id = None
        try:
            event = parsed(text)
            kind = event_type(event)
            stream_id = stream_id_of(event)
            if kind == CREATE:
                self._enqueue(create_of(event), group)
            elif kind == STEER:
                await self._connection.send(self._steered(event))
        except Refused as refused:
            await self._connection.send(error_frame(refused, stream_id))

    def _enqueue(self, create: Create, group: asyncio.TaskGroup) -> None:
        if len(self._turns) >= MOST_WAITING:
            raise rate_limited(str(create.body.get("model")))
        before = self._last.get(create.stream_id)
        turn = group.create_task(self._in_turn(before, create))
        self._last[create.stream_id] = turn
        self._turns.add(turn)
        turn.add_done_callback(self._turns.discard)
        turn.add_done_callback(lambda done: self._leave_queue(create.stream_id, done))

    def _leave_queue(self, stream_id: str | None, done: "asyncio.Task[None]") -> None:
        if self._last.get(stream_id) is done:
            del self._last[stream_id]

    async def _in_turn(self, before: "asyncio.Task[None] | None", create: Create) -> None:
        if before is not None:
            await asyncio.wait({before})
        try:
            await self._turn(create)
        except Refused as refused:
            self._memory.forget(str(create.previous))
            await self._connection.send(error_frame(refused, create.stream_id))

    async def _turn(self, create: Create) -> None:
        earlier = self._earlier(create)
        answer = self._service.answer(create.body, self._account, earlier)
        response = answer.whole()
        before = earlier.items if earlier is not None else ()
        asked = items_of(self._account.items.resolved(create.body))
        output = response["output"] if create.generates else ()
        remembered = Earlier(response["id"], [*before, *asked, *output])
        if not create.generates:
            self._memory.remember(create.stream_id, remembered)
            for event in prewarmed(response, create.stream_id):
                await self._connection.send(event)
            return
        keep(create.body, answer, self._account, before)
        await self._deliver(create, answer, remembered)

    def _earlier(self, create: Create) -> Earlier | None:
        if not isinstance(create.previous, str):
            # Of another type than a string: the checks of the request say so.
            return None
        return self._memory.recall(create.previous)

    async def _deliver(self, create: Create, answer: Answer, remembered: Earlier) -> None:
        async def write(event: bytes) -> None:
            if event.startswith(_LAST_EVENTS):
                # Before the client knows: its next create may be in another queue.
                self._memory.remember(create.stream_id, remembered)
            await self._connection.send(framed(event, create.stream_id))

        self._running.add(remembered.id)
        try:
            ending = await write_events(write, answer, self._barrier, self._pace)
        finally:
            self._running.discard(remembered.id)
        if ending is Ending.FAILED:
            self._memory.forget(str(create.previous))
        elif ending is Ending.UNFINISHED:
            await self._connection.close(INTERNAL_ERROR, "The server had an error.")
        elif ending is Ending.CUT:
            self._connection.cut()

    def _steered(self, event: Json) -> Json:
        try:
            check_steering(event)
        except Refused as refused:
            return steer_failed(event, "invalid_input", refused.message)
        target = event["previous_response_id"]
        if target in self._running:
            return steer_failed(
                event, "steering_not_supported", "This model does not support steering."
            )
        if self._memory.knows(target):
            message = f"Response with id '{target}' has already completed."
            return steer_failed(event, "response_already_completed", message)
        message = f"Response with id '{target}' not found on this connection."
        return steer_failed(event, "response_not_found", message)
