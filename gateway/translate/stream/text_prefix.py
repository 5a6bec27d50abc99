"""The beginning of a text that comes in pieces, known by its length and checksum.

That is enough to find what a repetition of the text adds, without keeping the text.
"""

from zlib import crc32


class TextPrefix:
    """What has come of a text so far: its length in characters, and its checksum."""

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
        """Equal for equal texts only."""
        return self.length, self._check

    def add(self, text: str) -> None:
        """Take the next piece."""
        self.length += len(text)
        self._check = crc32(text.encode("utf-8", "surrogatepass"), self._check)

    def begins(self, whole: str) -> bool:
        """Whether a whole text begins with this."""
        if len(whole) < self.length:
            return False
        beginning = whole[: self.length].encode("utf-8", "surrogatepass")
        return crc32(beginning) == self._check

    def is_all_of(self, whole: str) -> bool:
        """Whether a whole text is this, and nothing more."""
        return len(whole) == self.length and self.begins(whole)

    def rest_of(self, whole: str) -> str:
        """Return what a whole text has after this; nothing where it begins with something else."""
        return whole[self.length :] if self.begins(whole) else ""
