"""Sockets without a connection, and a dial that opens them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from websockets.frames import Frame, Opcode

from gateway.frames import FrameScanner
from gateway.shapes import RawHeaders, UpstreamCall
from gateway.sockets import NORMAL_CLOSURE, SocketUser, UpstreamSocket


def frame(content: bytes, *, masked: bool = False, fin: bool = True, opcode: int = 1) -> bytes:
    return Frame(Opcode(opcode), content, fin).serialize(mask=masked)


class FakeSocket(UpstreamSocket):
    """Notes what is sent; `says` and `ends` are its peer's doing."""

    def __init__(self, headers: RawHeaders = (), protocol: str = "") -> None:
        self.headers = headers
        self.protocol = protocol
        self.user: SocketUser | None = None
        self.scanner: FrameScanner | None = None
        self.pings = False
        self.messages: list[bytes] = []
        self.frames = bytearray()
        self.is_slow = False
        self.is_paused = False
        self.closes: list[tuple[int, str]] = []
        self.is_aborted = False
        self.is_over = False
        self.is_closing = False
        """Whether its end is about to be told."""

    @property
    def is_open(self) -> bool:
        return not (self.is_over or self.is_closing or self.closes)

    def attach(self, user: SocketUser) -> None:
        self.user = user

    def take_frames(self, *, pings: bool) -> FrameScanner:
        assert self.user is None
        self.pings = pings
        self.scanner = FrameScanner(masked=False, passes_pings=pings)
        return self.scanner

    def send(self, message: bytes) -> bool:
        return self.send_all([message])

    def send_all(self, messages: Sequence[bytes]) -> bool:
        if not self.is_over and not self.closes:
            self.messages += messages
        return not self.is_slow

    def send_frames(self, data: bytes, *, complete: bool) -> bool:
        if not self.is_over and not self.closes:
            self.frames += data
        return not self.is_slow

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def close(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        if not self.closes and not self.is_over:
            self.closes.append((code, reason))

    def abort(self) -> None:
        self.is_aborted = True
        self.ends()

    def says(self, *frames: bytes) -> None:
        """Hand over frames, or pieces of them."""
        assert self.user is not None
        assert self.scanner is not None
        piece = self.scanner.take(b"".join(frames))
        if piece:
            self.user.received_frames(piece, complete=not self.scanner.in_frame)

    def reads(self) -> None:
        """Let the peer read again."""
        self.is_slow = False
        assert self.user is not None
        self.user.drained()

    def ends(self, code: int = 1006, reason: str = "") -> None:
        """End the socket; without a code as if the connection was lost."""
        if not self.is_over and self.user is not None:
            self.is_over = True
            self.user.closed(code, reason)
        self.is_over = True


@dataclass
class FakeDial:
    """Opens a `FakeSocket` for each call, or raises what `answer` raises."""

    answer: Callable[[UpstreamCall], FakeSocket] = lambda _: FakeSocket()
    calls: list[UpstreamCall] = field(default_factory=list)
    sockets: list[FakeSocket] = field(default_factory=list)

    async def __call__(self, call: UpstreamCall) -> FakeSocket:
        self.calls.append(call)
        await asyncio.sleep(0)
        self.sockets.append(self.answer(call))
        return self.sockets[-1]
