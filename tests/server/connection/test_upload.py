"""A body that is read while it arrives: its pieces, its end, and what keeps it bounded."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.errors import InvalidRequest
from gateway.server.connection.upload import MAX_BUFFERED, UploadStream


class Stage:
    """An upload, and what `changed` saw of it: whether it was awaited, and what was buffered."""

    def __init__(self) -> None:
        self.upload = UploadStream(self._changed)
        self.changes: list[tuple[bool, int]] = []

    def _changed(self) -> None:
        self.changes.append((self.upload.is_awaited, self.upload.buffered))

    async def waiting(self) -> "asyncio.Task[bytes]":
        """Return a task that waits for the next piece."""
        task = asyncio.ensure_future(anext(self.upload))
        await asyncio.sleep(0)
        assert self.upload.is_awaited
        return task


def run(scenario: Callable[[Stage], Awaitable[None]]) -> None:
    async def in_a_loop() -> None:
        await scenario(Stage())

    asyncio.run(in_a_loop())


def test_pieces_that_are_here_are_had_as_one() -> None:
    async def scenario(stage: Stage) -> None:
        for piece in (b"a", b"", b"bc"):
            stage.upload.put(piece)
        assert stage.upload.buffered == 3
        assert await anext(stage.upload) == b"abc"
        assert stage.changes == [(False, 0)]
        stage.upload.put(b"d")
        stage.upload.finish()
        assert [piece async for piece in stage.upload] == [b"d"]
        assert [piece async for piece in stage.upload] == []

    run(scenario)


def test_a_reader_that_waits_is_told_of_and_gets_what_comes() -> None:
    async def scenario(stage: Stage) -> None:
        task = await stage.waiting()
        assert stage.changes == [(True, 0)]
        stage.upload.put(b"")
        await asyncio.sleep(0)
        assert not task.done()
        stage.upload.put(b"a")
        stage.upload.put(b"b")  # before the reader had its turn
        assert await task == b"ab"
        assert not stage.upload.is_awaited
        assert stage.changes == [(True, 0), (False, 0)]

    run(scenario)


@pytest.mark.parametrize("waits", [False, True])
def test_an_end_is_an_end_and_changes_nothing_any_more(*, waits: bool) -> None:
    async def scenario(stage: Stage) -> None:
        task = await stage.waiting() if waits else None
        before = list(stage.changes)
        stage.upload.finish()
        with pytest.raises(StopAsyncIteration):
            await (task or anext(stage.upload))
        assert stage.changes == before

    run(scenario)


@pytest.mark.parametrize("waits", [False, True])
def test_an_error_comes_once_after_the_pieces_that_are_here(*, waits: bool) -> None:
    async def scenario(stage: Stage) -> None:
        error = InvalidRequest("malformed")
        if waits:
            task = await stage.waiting()
            stage.upload.fail(error)
            with pytest.raises(InvalidRequest, match="malformed"):
                await task
        else:
            stage.upload.put(b"a")
            stage.upload.fail(error)
            assert await anext(stage.upload) == b"a"
            with pytest.raises(InvalidRequest, match="malformed"):
                await anext(stage.upload)
        assert [piece async for piece in stage.upload] == []

    run(scenario)


def test_a_reader_that_is_cancelled_waits_no_more_and_loses_nothing() -> None:
    async def scenario(stage: Stage) -> None:
        task = await stage.waiting()
        task.cancel()
        stage.upload.put(b"a")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not stage.upload.is_awaited
        assert await anext(stage.upload) == b"a"

    run(scenario)


def test_it_is_full_until_it_is_read() -> None:
    async def scenario(stage: Stage) -> None:
        full = []
        for size in (MAX_BUFFERED, 1):
            stage.upload.put(b"x" * size)
            full.append(stage.upload.is_full)
        assert len(await anext(stage.upload)) == MAX_BUFFERED + 1
        full.append(stage.upload.is_full)
        assert full == [False, True, False]

    run(scenario)
