"""A worker's side of a reload, with a parent that is played by the test."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.config.changes import ReloadResult
from gateway.server.processes.channel import Channel, pair
from gateway.server.processes.parent import Parent
from tests.upstream.scripted import until
from tests.waiting import PATIENCE


class Stage:
    """A worker's `Parent`, and the parent's end."""

    def __init__(self) -> None:
        self.end, channel = pair()
        self.channel = channel
        self.digests: list[str] = []
        self.results: list[tuple[ReloadResult, bool]] = []
        self.handed: list[bool] = []
        self.parent = Parent(
            channel,
            self.reload,
            lambda *ended: self.results.append(ended),
            lambda: self.handed.append(True),
        )

    async def reload(self, digest: str) -> str:
        self.digests.append(digest)
        if digest == "slow":
            await asyncio.sleep(60)
        return "" if digest == "good" else "no"

    def close(self) -> None:
        self.parent.close()
        self.end.close()
        self.channel.close()


def run(scenario: Callable[[Stage], Awaitable[None]]) -> None:
    async def staged() -> None:
        stage = Stage()
        try:
            await asyncio.wait_for(scenario(stage), PATIENCE)
        finally:
            stage.close()

    asyncio.run(staged())


async def received(end: Channel) -> list[dict[str, object]]:
    return await asyncio.to_thread(end.receive)


def test_it_reloads_when_the_parent_says_so_and_replies() -> None:
    async def scenario(stage: Stage) -> None:
        stage.end.send(reload="good")
        assert await received(stage.end) == [{"failure": ""}]
        stage.end.send(reload="bad")
        assert await received(stage.end) == [{"failure": "no"}]

    run(scenario)


def test_who_asks_hears_how_it_ended_in_all_workers() -> None:
    async def scenario(stage: Stage) -> None:
        first = asyncio.create_task(stage.parent.ask())
        assert await received(stage.end) == [{"asks": 1}]
        second = asyncio.create_task(stage.parent.ask())
        assert await received(stage.end) == [{"asks": 2}]
        stage.end.send(done=True, text="one", counts=True, answers=[1])
        assert await first == ReloadResult(done=True, text="one")
        stage.end.send(done=False, text="two", counts=False, answers=[2, 9])
        assert await second == ReloadResult(done=False, text="two")
        assert stage.results == [
            (ReloadResult(done=True, text="one"), True),
            (ReloadResult(done=False, text="two"), False),
        ]

    run(scenario)


def test_without_a_parent_nobody_waits() -> None:
    async def scenario(stage: Stage) -> None:
        waiting = asyncio.create_task(stage.parent.ask())
        await received(stage.end)
        stage.end.close()
        assert "the parent process is gone" in (await waiting).text
        assert not (await stage.parent.ask()).done

    run(scenario)


def test_a_reload_in_progress_ends_with_the_worker() -> None:
    async def scenario(stage: Stage) -> None:
        stage.end.send(reload="slow")
        await until(lambda: stage.digests == ["slow"])

    run(scenario)


def test_it_hears_that_another_program_has_taken_over() -> None:
    async def scenario(stage: Stage) -> None:
        stage.end.send(handed_over=True)
        await until(lambda: stage.handed == [True])

    run(scenario)
