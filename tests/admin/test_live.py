"""The page's event stream."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from gateway.admin import live as module
from gateway.admin.live import Live
from gateway.observe.recent import Wanted
from gateway.shapes import Json


class Overview:
    """Shows one look after the other, then ends the stream."""

    def __init__(self, *looks: Json) -> None:
        self.looks = list(looks)
        self.asked: list[tuple[dict[int, int], Wanted]] = []

    @property
    def replaced(self) -> bool:
        return not self.looks

    async def look(self, seen: Mapping[int, int], wanted: Wanted) -> Json:
        self.asked.append((dict(seen), wanted))
        return self.looks.pop(0)


def look(state: str, *requests: tuple[int, int]) -> dict[str, Any]:
    """Return a look with requests of (worker, number)."""
    listed = [{"worker": worker, "number": number} for worker, number in requests]
    return {"requests": listed, "state": state}


def events(overview: Overview, wanted: Wanted | None = None, stopping: bool = False) -> list[Any]:
    live = Live(overview, lambda: stopping)  # type: ignore[arg-type]

    async def scenario() -> list[bytes]:
        return [event async for event in live.events(wanted or Wanted())]

    return [parsed(event) for event in asyncio.run(scenario())]


def parsed(event: bytes) -> Any:
    if not event.startswith(b"event: "):
        return event
    name, data = event.removeprefix(b"event: ").rstrip(b"\n").split(b"\ndata: ")
    return (name.decode(), msgspec.json.decode(data))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL", 0.0)


def test_at_first_everything_is_sent_and_then_what_is_new() -> None:
    overview = Overview(look("a"), look("a", (1, 7), (0, 9), (1, 6)), look("a"), look("b", (0, 10)))
    wanted = Wanted(model="m")
    sent = events(overview, wanted)
    first, *rest = sent
    assert first == b"retry: 1000\n\n"
    assert [name for name, _ in rest] == ["requests", "state", "requests", "requests", "state"]
    assert [data for name, data in rest if name == "state"] == [{"state": "a"}, {"state": "b"}]
    seen = [seen for seen, _ in overview.asked]
    assert seen == [{}, {}, {0: 9, 1: 7}, {0: 9, 1: 7}]
    assert {each for _, each in overview.asked} == {wanted}


def test_a_quiet_stream_sends_comments() -> None:
    sent = events(Overview(*[look("a") for _ in range(40)]))
    assert sent.count(b":\n\n") == 2


def test_it_ends_when_the_gateway_does() -> None:
    assert events(Overview(look("a")), stopping=True) == [b"retry: 1000\n\n"]


def test_streams_that_a_browser_leaves_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAGES", 1)
    live = Live(Overview(look("a")), lambda: False)  # type: ignore[arg-type]

    async def scenario() -> list[bool]:
        full = [live.full]
        async with aclosing(live.events(Wanted())) as stream:
            await anext(stream)
            full.append(live.full)
        return [*full, live.full]

    assert asyncio.run(scenario()) == [False, True, False]
