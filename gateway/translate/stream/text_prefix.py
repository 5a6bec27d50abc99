"""The beginning of a text that comes in pieces, known by its length and checksum.

That is enough to find what a repetition adds, without keeping the text.
"""

from zlib import crc32


class TextPrefix:
    """The text so far: its length in characters, and its checksum."""

    __slots__ = ("_check", "length")

    def __init__(self) -> None:
        self._check = 0
        self.length = 0

    def copy(self) -> "TextPrefix":
        """Return a copy."""
        other = TextPrefix()
        other.length, other._check = self.length, self._check
        return other

    @property
    def digest(self) -> tuple[int, int]:
        """A value that is equal for equal texts only, as far as a checksum tells."""
        return self.length, self._check

    def add(self, text: str) -> None:
        """Take the next piece."""
        self.length += len(text)
        self._check = crc32(text.encode("utf-8", "surrogatepass"), self._check)

    def begins(self, whole: str) -> bool:
        """Whether a whole text begins with the text so far."""
        if len(whole) < self.length:
            return False
        beginning = whole[: self.length].encode("utf-8", "surrogatepass")
        return crc32(beginning) == self._check

    def is_all_of(self, whole: str) -> bool:
        """Whether a whole text is the text so far, and nothing more."""
        return len(whole) == self.length and self.begins(whole)

    def rest_of(self, whole: str) -> str:
        """Return what a whole text has after the text so far; empty if it begins otherwise."""
        return whole[self.length :] if self.begins(whole) else ""
