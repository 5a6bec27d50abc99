"""Workers that ask one another; here they are tasks of one process."""

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.server.processes import peers as module
from gateway.server.processes.peers import Peers, Reply, private_folder


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    with private_folder() as folder:
        yield folder


def workers(folder: Path, count: int, handler: Callable[..., Any] | None = None) -> list[Peers]:
    made = [Peers(folder, number, count) for number in range(count)]
    for peers in made:
        number = peers.number
        peers.answer("name", handler or (lambda suffix="", number=number: f"{number}{suffix}"))
    return made


async def asked(asking: Peers, *others: Peers, **arguments: Any) -> list[Reply]:
    """Ask while the others serve."""
    if not others:
        return await asking.ask("name", **arguments)
    async with others[0].serving():
        return await asked(asking, *others[1:], **arguments)


def test_a_process_that_is_alone_answers_itself() -> None:
    peers = Peers()
    peers.answer("name", lambda: "me")

    async def scenario() -> None:
        async with peers.serving():
            assert await peers.ask("name") == [Reply(0, "me")]

    asyncio.run(scenario())
    peers.keep(b"nothing")
    assert (peers.alone, peers.inherited, peers.kept()) == (True, b"", [])


def test_every_worker_is_asked_by_any(folder: Path) -> None:
    made = workers(folder, 3)
    for asking in made:
        replies = asyncio.run(asked(asking, *made, suffix="!"))
        assert replies == [Reply(0, "0!"), Reply(1, "1!"), Reply(2, "2!")]
        assert not asking.alone


def test_workers_that_do_not_serve_are_missing(folder: Path) -> None:
    made = workers(folder, 3)
    assert asyncio.run(asked(made[0], made[2])) == [Reply(0, "0"), Reply(2, "2")]


def test_the_socket_of_a_worker_that_was_killed_is_replaced(folder: Path) -> None:
    async def scenario() -> None:
        made = workers(folder, 2)
        server = await asyncio.start_unix_server(lambda *_: None, folder / "1.sock")
        listening = os.dup(server.sockets[0].fileno())
        os.close(listening)
        server.close()
        assert await asked(made[0], made[1]) == [Reply(0, "0"), Reply(1, "1")]

    asyncio.run(scenario())


def test_a_worker_that_is_too_busy_is_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)

    async def scenario() -> None:
        asking, _ = workers(folder, 2)
        connections = []
        server = await asyncio.start_unix_server(
            lambda *streams: connections.append(streams), folder / "1.sock"
        )
        assert await asking.ask("name") == [Reply(0, "0")]
        for _, writer in connections:
            writer.close()
        server.close()

    asyncio.run(scenario())


def test_a_worker_that_waits_for_a_question_gives_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)

    async def scenario() -> None:
        _, silent = workers(folder, 2)
        async with silent.serving():
            reader, writer = await asyncio.open_unix_connection(folder / "1.sock")
            assert await reader.read() == b""
            writer.close()

    asyncio.run(scenario())


def test_a_question_that_fails_at_a_worker_is_logged_there(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError("no luck")

    async def scenario() -> None:
        asking, failing = workers(folder, 2)
        failing.answer("name", fail)
        assert await asked(asking, failing) == [Reply(0, "0")]

    asyncio.run(scenario())
    assert "no luck" in caplog.text


def test_a_question_that_nobody_has_a_handler_for_is_a_mistake(folder: Path) -> None:
    with pytest.raises(KeyError):
        asyncio.run(Peers(folder, 0, 2).ask("name"))


def test_a_later_handler_takes_the_place_of_an_earlier_one() -> None:
    peers = Peers()
    first, second = (lambda: 1), (lambda: 2)
    assert not peers.answers("name", first)
    peers.answer("name", first)
    peers.answer("name", second)
    assert (peers.answers("name", first), peers.answers("name", second)) == (False, True)
    assert asyncio.run(peers.ask("name")) == [Reply(0, 2)]


def test_what_a_worker_keeps_outlives_it(folder: Path) -> None:
    first, second = workers(folder, 2)
    assert second.kept() == []
    first.keep(b"1")
    first.keep(b"2")
    second.keep(b"3")
    assert first.kept() == second.kept() == [b"2", b"3"]
    assert Peers(folder, 0, 2).inherited == b"2"


@pytest.mark.parametrize("failures", [1, 50])
def test_what_cannot_be_written_leaves_what_was_there_and_is_logged_once(
    folder: Path, caplog: pytest.LogCaptureFixture, failures: int
) -> None:
    (peers,) = workers(folder, 1)
    peers.keep(b"1")
    (folder / "0.new").mkdir()
    for _ in range(failures):
        peers.keep(b"2")
    assert peers.kept() == [b"1"]
    (folder / "0.new").rmdir()
    peers.keep(b"3")
    peers.keep(b"4")
    assert peers.kept() == [b"4"]
    failed, ended = caplog.messages
    assert failed.startswith("cannot write ")
    assert ended.endswith(f"0.json is written again, after {failures} failure(s)")


def test_the_folder_is_private_and_goes_with_the_parent() -> None:
    with private_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "0.json").write_text("{}")
    assert not folder.exists()


def test_workers_whose_parent_is_gone_remove_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        (orphan,) = workers(folder, 1)
        async with orphan.serving():
            orphan.keep(b"1")
            monkeypatch.setattr(os, "getppid", lambda: 1)
            orphan.keep(b"2")
            assert orphan.kept() == [b"1"]

    asyncio.run(scenario())
    assert not folder.exists()


def test_the_folder_is_where_one_can_write_and_paths_are_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with private_folder() as folder:
        assert deep not in folder.parents
    assert list(deep.iterdir()) == []


def test_no_place_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> str:
        raise OSError("read-only")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(OSError, match="TMPDIR"), private_folder():
        raise AssertionError


def test_a_worker_that_stops_waiting_for_its_answer_is_not_an_error(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = workers(folder, 2, lambda: "x" * 10_000_000)

    async def scenario() -> None:
        async with made[1].serving():
            _, writer = await asyncio.open_unix_connection(folder / "1.sock")
            writer.write(b'["name",{}]\n')
            await writer.drain()
            writer.transport.abort()
            assert (await made[0].ask("name"))[1].value == "x" * 10_000_000

    asyncio.run(scenario())
    assert "ERROR" not in caplog.text
