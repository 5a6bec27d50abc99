"""The parent of a worker, seen from the worker's event loop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.config.changes import ReloadResult
from gateway.server.processes.channel import Channel

log = logging.getLogger("gateway")

Reload = Callable[[str], Awaitable[str]]
"""Applies the configuration with this digest; returns why that failed, or an empty text."""

Ended = Callable[[ReloadResult, bool], None]
"""Takes the result of a reload in all workers, and whether this worker counts it."""


class Parent:
    """Asks the parent to reload, and reloads or hands over when the parent says so."""

    def __init__(
        self, channel: Channel, reload: Reload, ended: Ended, handed_over: Callable[[], None]
    ) -> None:
        self._channel = channel
        self._handed_over = handed_over
        self._reload = reload
        self._ended = ended
        self._asked = 0
        self._answers: dict[int, asyncio.Future[ReloadResult]] = {}
        self._reloading: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(channel.fileno(), self._receive)

    async def ask(self) -> ReloadResult:
        """Have all workers reload; return how it ended."""
        self._asked += 1
        number = self._asked
        answer: asyncio.Future[ReloadResult] = self._loop.create_future()
        self._answers[number] = answer
        try:
            self._channel.send(asks=number)
            if self._channel.ended:
                return _parent_gone()
            return await answer
        finally:
            del self._answers[number]

    def close(self) -> None:
        """Stop listening to the parent."""
        self._loop.remove_reader(self._channel.fileno())
        for task in self._reloading:
            task.cancel()

    def _receive(self) -> None:
        for message in self._channel.receive():
            if "reload" in message:
                task = self._loop.create_task(self._take(message["reload"]))
                self._reloading.add(task)
                task.add_done_callback(self._reloading.discard)
            elif "handed_over" in message:
                self._handed_over()
            else:
                result = ReloadResult(message["done"], message["text"])
                self._ended(result, message["counts"])
                for number in message["answers"]:
                    self._answer(number, result)
        if self._channel.ended:
            self._loop.remove_reader(self._channel.fileno())
            for number in self._answers:
                self._answer(number, _parent_gone())

    def _answer(self, number: int, result: ReloadResult) -> None:
        answer = self._answers.get(number)
        if answer is not None and not answer.done():
            answer.set_result(result)

    async def _take(self, digest: str) -> None:
        self._channel.send(failure=await self._reload(digest))


def _parent_gone() -> ReloadResult:
    return ReloadResult(done=False, text="the parent process is gone, and this one stops")
