"""An upstream that keeps every byte it gets and does to each request what a script says.

It reads HTTP/1.1 strictly and by hand, one thread for each connection, so that a test sees what the
gateway has sent, not what a server library made of it.
"""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.clients.raw import chunk
from tests.waiting import PATIENCE


@dataclass
class Seen:
    """A request as it arrived. `left`: the gateway has closed the connection since."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    connection: int
    body: bytes = field(default=b"", repr=False)
    complete: bool = False
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def line(self) -> str:
        return f"{self.method} {self.target}"

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.fields if key.lower() == name]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


GIVEN_UP = b"HTTP/1.1 500 Given Up\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Line:
    """The upstream's end of one connection."""

    def __init__(self, connected: socket.socket, number: int) -> None:
        self._socket = connected
        self._reader = connected.makefile("rb")
        self.number = number
        self.busy = False

    def head(self) -> Seen | None:
        """Read a request's head; None if the connection has ended instead."""
        start = self._reader.readline()
        if not start:
            return None
        method, target, version = start.decode("latin-1").rstrip("\r\n").split(" ")
        assert version == "HTTP/1.1"
        fields: list[tuple[str, str]] = []
        while (line := self._reader.readline()) != b"\r\n":
            if not line:
                return None
            name, _, value = line.decode("latin-1").rstrip("\r\n").partition(": ")
            fields.append((name, value))
        return Seen(method, target, fields, self.number)

    def read_body(self, seen: Seen) -> bool:
        """Read the whole body; tell whether it came whole."""
        if seen.header("transfer-encoding") == "chunked":
            while size := int(self._reader.readline() or b"0", 16):
                seen.body += self._reader.read(size + 2)[:-2]
            seen.complete = self._reader.readline() == b"\r\n"
        else:
            length = int(seen.header("content-length") or 0)
            seen.body = self._reader.read(length)
            seen.complete = len(seen.body) == length
        if not seen.complete:
            seen.left.set()
        return seen.complete

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def until_left(self, seen: Seen) -> None:
        """Wait until the gateway has closed the connection; throw away what it sends."""
        with suppress(OSError):
            while self._socket.recv(65536):
                pass
        seen.left.set()

    def give_up(self) -> None:
        """End a request so that it is not sent again."""
        with suppress(OSError):
            self._socket.send(GIVEN_UP, socket.MSG_DONTWAIT)
        self.end()

    def end(self) -> None:
        """End both directions, from any thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.end()
        self._reader.close()
        self._socket.close()


Script = Callable[[Line, Seen], None]


def whole(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    """Return a reply with a length."""
    lines = (
        *(f"HTTP/1.1 {status}", "content-type: application/json", *fields),
        f"content-length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


def event(value: object) -> bytes:
    """Return a chunk that holds one event of a stream."""
    return chunk(b"data: " + json.dumps(value).encode() + b"\n\n")


def text_event(text: str, finish_reason: str | None = None) -> bytes:
    """Return an event of a chat stream that says a text."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return event({**head, "choices": [choice]})


STREAM_END = text_event("", "stop") + chunk(b"data: [DONE]\n\n") + chunk(b"")


def chat_reply(text: str, **more: object) -> bytes:
    """Return a chat completion that says a text."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    reply = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m"}
    return json.dumps({**reply, "choices": [choice], **more}).encode()


def answer(line: Line, seen: Seen) -> None:
    """Say whose request was answered, and which."""
    if line.read_body(seen):
        key = seen.header("authorization") or ""
        line.send(whole(chat_reply(f"{seen.line} for {key.removeprefix('Bearer ')}")))


def silent(line: Line, seen: Seen) -> None:
    """Take the request and never answer."""
    if line.read_body(seen):
        line.until_left(seen)


def replies(data: bytes) -> Script:
    """Send these bytes in reply."""

    def script(line: Line, seen: Seen) -> None:
        if line.read_body(seen):
            line.send(data)

    return script


def falls_silent_after(data: bytes) -> Script:
    """Send these bytes in reply, then nothing any more."""

    def script(line: Line, seen: Seen) -> None:
        if line.read_body(seen):
            line.send(data)
            line.until_left(seen)

    return script


def repeats(head: bytes, piece: bytes) -> Script:
    """Send a head, and the same piece after it until the gateway has had enough."""

    def script(line: Line, seen: Seen) -> None:
        if line.read_body(seen):
            with suppress(OSError):
                line.send(head)
                while True:
                    line.send(piece)
            seen.left.set()

    return script


class Upstream:
    """What arrived, and what is to be done with what comes."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.requests: list[Seen] = []
        self.failures: list[BaseException] = []
        self._scripts: deque[Script] = deque()
        self._changed = threading.Condition()
        self.lines: list[Line] = []

    def hang_up(self) -> None:
        """End what is still being served, so that one test's failure is not the next one's."""
        self._scripts.clear()
        end = time.monotonic() + 0.2
        while any(line.busy for line in self.lines) and time.monotonic() < end:
            time.sleep(0.002)  # a reply that has just been sent is not a failure
        for line in self.lines:
            if line.busy:
                line.give_up()

    def then(self, *scripts: Script) -> None:
        """Do this to the next requests, one script each; later ones are answered again."""
        self._scripts.extend(scripts)

    def since(self, number: int) -> list[Seen]:
        """Return the requests that have arrived after the first `number`."""
        return self.requests[number:]

    def wait_for(self, number: int, seconds: float = PATIENCE) -> Seen:
        """Wait until so many heads have arrived in all; return the last of them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= number, seconds)
        return self.requests[number - 1]

    def take(self, seen: Seen) -> Script:
        """Note a request; return what is to be done with it."""
        with self._changed:
            self.requests.append(seen)
            self._changed.notify_all()
            return self._scripts.popleft() if self._scripts else answer


@contextmanager
def recording_upstream(*, receive_buffer: int | None = None) -> Iterator[Upstream]:
    """Serve until the block ends; raise what went wrong in a script then."""
    threads: list[threading.Thread] = []
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        if receive_buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        upstream = Upstream(listening.getsockname()[1])

        def accept() -> None:
            while True:
                try:
                    connected, _ = listening.accept()
                except OSError:
                    return
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line = Line(connected, len(upstream.lines))
                upstream.lines.append(line)
                threads.append(threading.Thread(target=_serve, args=(upstream, line), daemon=True))
                threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield upstream
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            accepting.join(PATIENCE)
            for line in upstream.lines:
                line.end()
            for seen in upstream.requests:
                seen.left.set()
            for thread in threads:
                thread.join(PATIENCE)
    if upstream.failures:
        raise upstream.failures[0]


def _serve(upstream: Upstream, line: Line) -> None:
    try:
        while (seen := line.head()) is not None:
            line.busy = True
            upstream.take(seen)(line, seen)
            line.busy = False
            if seen.left.is_set():
                return
    except OSError:
        return  # the gateway has gone, which is what some of these tests are about
    except BaseException as error:  # noqa: BLE001 - raised when the test ends
        upstream.failures.append(error)
    finally:
        line.busy = False
        line.close()
