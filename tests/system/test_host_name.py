"""Names that are resolved beside one another, by a system that answers when the test says so."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.system import host_name
from gateway.system.host_name import MOST_QUESTIONS, HostName
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.anyio

_V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))
_V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 80, 0, 0))
_SOON, _NEVER = 0.02, PATIENCE


class System:
    """Resolves names: those that are `silent` when the test says so, the others at once."""

    def __init__(self) -> None:
        self.silent = {"silent.test"}
        self.answer = threading.Event()
        self.asked: list[str] = []
        self.failures: dict[str, Exception] = {}

    def getaddrinfo(self, host: str, _port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        if host in self.silent:
            assert self.answer.wait(PATIENCE)
        if host in self.failures:
            raise self.failures[host]
        return [_V6, _V4]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    system = System()
    monkeypatch.setattr(socket, "getaddrinfo", system.getaddrinfo)
    yield system
    system.answer.set()


@pytest.mark.parametrize("silent", [1, 40])
async def test_names_that_are_not_resolved_hold_up_no_other_name(
    system: System, silent: int
) -> None:
    names = [HostName(f"silent{number}.test", 80) for number in range(silent)]
    system.silent = {f"silent{number}.test" for number in range(silent)}
    waiting = [asyncio.create_task(name.addresses(_NEVER)) for name in names]
    await asyncio.to_thread(wait_until, lambda: len(system.asked) == silent)
    assert await HostName("upstream.test", 80).addresses(_NEVER) == ["2001:db8::1", "192.0.2.1"]
    system.answer.set()
    for each in waiting:
        assert await each == ["2001:db8::1", "192.0.2.1"]


async def test_all_that_want_a_name_at_a_time_ask_once_and_the_next_again(system: System) -> None:
    name = HostName("silent.test", 80)
    waiting = [asyncio.create_task(name.addresses(_NEVER)) for _ in range(50)]
    await asyncio.to_thread(wait_until, lambda: bool(system.asked))
    waiting.pop().cancel()
    system.answer.set()
    for each in waiting:
        assert await each == ["2001:db8::1", "192.0.2.1"]
    assert system.asked == ["silent.test"]
    await name.addresses(_NEVER)
    assert system.asked == ["silent.test"] * 2


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "later"), socket.gaierror),
        (OSError(24, "Too many open files"), OSError),
        (UnicodeError("label empty or too long"), socket.gaierror),
    ],
)
async def test_a_failure_is_raised_to_each_that_waits(
    system: System, failure: Exception, raised: type[OSError]
) -> None:
    system.failures["silent.test"] = failure
    name = HostName("silent.test", 80)
    waiting = [asyncio.create_task(name.addresses(_NEVER)) for _ in range(2)]
    await asyncio.to_thread(wait_until, lambda: bool(system.asked))
    system.answer.set()
    errors = [each.exception() for each in (await asyncio.wait(waiting))[0]]
    assert [type(each) for each in errors] == [raised, raised]
    assert errors[0] is not errors[1]
    assert system.asked == ["silent.test"]


async def test_a_question_without_an_answer_is_not_put_again_at_once(system: System) -> None:
    name = HostName("silent.test", 80)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await name.addresses(_SOON)
    await asyncio.to_thread(wait_until, lambda: bool(system.asked))
    assert system.asked == ["silent.test"]


async def test_an_old_question_is_put_again_but_not_without_end(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_name, "RENEWAL", 0.0)
    name = HostName("silent.test", 80)
    for _ in range(MOST_QUESTIONS + 3):
        with pytest.raises(TimeoutError):
            await name.addresses(_SOON)
    await asyncio.to_thread(wait_until, lambda: len(system.asked) == MOST_QUESTIONS)
    waiting = asyncio.create_task(name.addresses(_NEVER))
    system.answer.set()
    assert await waiting == ["2001:db8::1", "192.0.2.1"]
    assert len(system.asked) == MOST_QUESTIONS


async def test_a_thread_that_cannot_be_started_is_a_failure(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    name = HostName("upstream.test", 80)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(BlockingIOError):
            await name.addresses(_NEVER)
    assert await name.addresses(_NEVER)
    assert system.asked == ["upstream.test"]


def test_an_answer_after_the_end_of_the_loop_is_dropped(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[threading.Thread] = []

    def start(thread: threading.Thread) -> None:
        begun.append(thread)

    monkeypatch.setattr(threading.Thread, "start", start)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await HostName("upstream.test", 80).addresses(_SOON)

    asyncio.run(give_up())
    begun[0].run()
    assert system.asked == ["upstream.test"]
