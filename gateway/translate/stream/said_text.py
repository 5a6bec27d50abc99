"""How much of a text has been sent, without keeping it: enough to find what a repetition adds."""

from zlib import crc32


class SaidText:
    """A text that comes in pieces: its length in characters, and a checksum of it."""

    __slots__ = ("_check", "length")

    def __init__(self) -> None:
        self._check = 0
        self.length = 0

    def copy(self) -> "SaidText":
        """Return a copy."""
        other = SaidText()
        other.length, other._check = self.length, self._check
        return other

    @property
    def mark(self) -> tuple[int, int]:
        """Equal for equal texts only."""
        return self.length, self._check

    def add(self, text: str) -> None:
        """Take the next piece."""
        self.length += len(text)
        self._check = crc32(text.encode("utf-8", "surrogatepass"), self._check)

    def begins(self, whole: str) -> bool:
        """Whether a text begins with what has been sent."""
        if len(whole) < self.length:
            return False
        beginning = whole[: self.length].encode("utf-8", "surrogatepass")
        return crc32(beginning) == self._check

    def rest_of(self, whole: str) -> str:
        """Return what a whole text has after what has been sent; nothing where they differ."""
        return whole[self.length :] if self.begins(whole) else ""
