"""Lets the workers of one gateway ask one another, so that any of them can answer for all.

Each worker serves a Unix socket in a private folder that their parent makes. A question is a line
of JSON, and its reply is JSON up to the end of the connection. Beside the socket, a worker keeps a
file with the data that must outlive it, for the process that replaces it. A single process has
neither.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

log = logging.getLogger("gateway")

PATIENCE = 2.0
"""Seconds until a worker that does not answer is left out."""

_MAX_QUESTION = 64 * 1024
"""The most bytes of a question."""
_MAX_FOLDER = 80
"""The most characters of a folder for sockets, whose paths have at most 107 (unix(7))."""

Handler = Callable[..., Any]


class Reply(NamedTuple):
    """What one worker replied."""

    worker: int
    """The worker's number, from 0; the process that replaces a worker has the same number."""
    value: Any


class _Question(msgspec.Struct, array_like=True):
    what: str
    arguments: dict[str, Any]


_question = msgspec.json.Decoder(_Question)


class Peers:
    """All workers, seen from one of them: number `number` of `count`, with sockets in `folder`.

    Without a folder the process is alone, and answers itself.
    """

    def __init__(self, folder: Path | None = None, number: int = 0, count: int = 1) -> None:
        self.number = number
        self.count = count
        self._folder = folder
        self._parent = os.getppid()
        self._handlers: dict[str, Handler] = {}
        self._not_written = 0
        self.inherited = b"" if folder is None else _contents(_file(folder, number))
        """The data that this worker's predecessor has kept; empty if there is none."""

    @property
    def alone(self) -> bool:
        """Whether there are no other workers."""
        return self._folder is None

    def answer(self, what: str, handler: Handler) -> None:
        """Have `handler` answer this question, in place of an earlier one.

        It gets the question's arguments, and returns a value that msgspec can encode as JSON.
        """
        self._handlers[what] = handler

    def answers(self, what: str, handler: Handler) -> bool:
        """Whether this handler still answers a question: another may have taken its place."""
        return self._handlers.get(what) == handler

    async def ask(self, what: str, **arguments: Any) -> list[Reply]:
        """Ask every worker, this one included; return the replies in the order of their numbers.

        Replies of workers that are starting, ending or too busy are missing. Raises `KeyError` for
        a question that this worker itself does not know.
        """
        own = Reply(self.number, self._handlers[what](**arguments))
        if self._folder is None:
            return [own]
        question = msgspec.json.encode(_Question(what, arguments)) + b"\n"
        others = [number for number in range(self.count) if number != self.number]
        replies = await asyncio.gather(*(_ask(self._folder, each, question) for each in others))
        return sorted([own, *filter(None, replies)], key=lambda reply: reply.worker)

    def keep(self, data: bytes) -> None:
        """Keep data beyond the worker's end, in place of the data that it kept before.

        If they cannot be written, the earlier data stay, and the log says so once, since each
        scrape of the metrics tries it. A worker whose parent is gone has no successor, and keeps
        nothing.
        """
        if self._folder is None or self._orphaned:
            return
        file = _file(self._folder, self.number)
        written = file.with_suffix(".new")
        try:
            written.write_bytes(data)
            written.replace(file)
        except OSError as error:
            self._not_written += 1
            if self._not_written == 1:
                text = "cannot write %s: %s; more such failures are counted, not logged"
                log.warning(text, written, error.strerror)
            return
        if self._not_written:
            log.warning("%s is written again, after %d failure(s)", file, self._not_written)
            self._not_written = 0

    def kept(self) -> list[bytes]:
        """Return the data that each worker keeps, or kept before its end."""
        if self._folder is None:
            return []
        files = [_contents(_file(self._folder, number)) for number in range(self.count)]
        return [data for data in files if data]

    @property
    def _orphaned(self) -> bool:
        return os.getppid() != self._parent

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer the other workers until the block ends.

        The parent removes the folder; if it was killed, the workers do.
        """
        if self._folder is None:
            yield
            return
        path = _socket(self._folder, self.number)
        server = await asyncio.start_unix_server(self._serve, path, limit=_MAX_QUESTION)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)
            if self._orphaned:
                _remove(self._folder)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                question = _question.decode(await reader.readline())
                reply = self._handlers[question.what](**question.arguments)
                writer.write(msgspec.json.encode(reply))
                await writer.drain()
        except (OSError, TimeoutError) as error:
            log.debug("another worker did not wait for its answer: %r", error)
        except Exception:
            log.exception("a question of another worker could not be answered")
        finally:
            writer.close()


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Make the folder for the workers' sockets; remove it, with what is in it, at the end.

    Raises `OSError` if there is no place for it.
    """
    folder = _made()
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    # A gateway that is alone needs neither folder nor modules.
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _made() -> Path:
    import tempfile

    for place in (None, "/dev/shm", "/tmp"):  # noqa: S108 - mkdtemp makes a name of its own
        with contextlib.suppress(OSError):
            # Only its owner can enter the new folder.
            folder = Path(tempfile.mkdtemp(prefix="gateway-", dir=place))
            if len(str(folder)) <= _MAX_FOLDER:
                return folder
            folder.rmdir()
    raise OSError("several workers need a folder for their sockets: set TMPDIR to a writable one")


async def _ask(folder: Path, number: int, question: bytes) -> Reply | None:
    """Return a worker's reply; None if it is missing or incomplete."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(_socket(folder, number))
            try:
                writer.write(question)
                return Reply(number, msgspec.json.decode(await reader.read()))
            finally:
                writer.close()
    except (OSError, TimeoutError, msgspec.DecodeError) as error:
        log.debug("worker %d does not answer: %r", number, error)
        return None


def _contents(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _socket(folder: Path, number: int) -> Path:
    return folder / f"{number}.sock"


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number}.json"
