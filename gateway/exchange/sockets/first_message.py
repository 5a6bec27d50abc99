"""Judges the first message of an upstream's realtime session, which may refuse the session."""

from collections.abc import Callable
from typing import Final

from gateway.errors import UpstreamError
from gateway.frames import WHOLE_TEXT, FrameScanner, message_at

_MOST: Final = 64 * 1024
"""The most bytes that are held back for the first message; no error is as long."""

MessageJudge = Callable[[bytes], UpstreamError | None]
"""Returns the error that the client gets in place of a message; None if it gets the message."""


class FirstMessage:
    """Holds back the first message until it is whole; pings before it pass.

    `scanner` has checked each piece that is taken. `error` is the error that the client gets in
    place of the message; None if it gets the message.
    """

    def __init__(self, scanner: FrameScanner, judge: MessageJudge) -> None:
        self.error: UpstreamError | None = None
        self.is_known = False
        """Whether the first message was judged, so that nothing more is held back."""
        self._scanner = scanner
        self._judge = judge
        self._held = b""

    @property
    def is_held(self) -> bool:
        """Whether the beginning of the message is held back; the client then has whole frames."""
        return bool(self._held)

    def take(self, data: bytes) -> bytes:
        """Take a piece of frames; return the bytes that can pass, unless there is an `error`."""
        scanner = self._scanner
        if not self._held and not scanner.begins:
            return data
        begin = 0 if self._held else scanner.begins[0]
        is_whole = scanner.boundary > begin
        before, held = data[:begin], self._held + data[begin:]
        self._held = b""
        if held[0] == WHOLE_TEXT and is_whole:
            self.error = self._judge(message_at(held, 0))
        elif held[0] == WHOLE_TEXT and len(held) <= _MOST:
            self._held = held
            return before
        self.is_known = True
        return before + held
