"""A request body that is received whole: its pieces, until the last one is here."""

from io import BytesIO
from typing import Final

JOINED: Final = 256 * 1024
"""From so many bytes on, pieces are copied as they arrive: joining megabytes when the last piece
arrives would hold up the event loop for milliseconds. The few pieces of a small body are joined.
"""


class PartialBody:
    """The pieces of a body, in the order of their arrival."""

    __slots__ = ("_copied", "_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._copied: BytesIO | None = None

    def append(self, piece: bytes) -> None:
        """Add a piece."""
        if self._copied is not None:
            self._copied.write(piece)
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= JOINED:
            self._copied = copied = BytesIO()
            copied.writelines(self._pieces)
            self._pieces.clear()

    def take(self) -> bytes:
        """Return the whole body, and forget it."""
        copied = self._copied
        # The bytes of a BytesIO are not copied if nothing else refers to them.
        body = b"".join(self._pieces) if copied is None else copied.getvalue()
        self.clear()
        return body

    def clear(self) -> None:
        """Forget the pieces."""
        self._pieces.clear()
        self._size = 0
        self._copied = None
