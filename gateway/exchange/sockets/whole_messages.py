"""Holds back the beginning of a message until it is whole."""


class WholeMessages:
    """Takes pieces of frames that a scanner has checked, and returns whole messages."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    @property
    def waits(self) -> bool:
        """Whether the beginning of a message is held back."""
        return bool(self._held)

    def take(self, data: bytes, begins: list[int], boundary: int) -> tuple[bytes, list[int]]:
        """Return the messages that are now complete, and where they begin.

        `begins` and `boundary` are those of the scanner for this piece.
        """
        held = self._held
        if not held and boundary == len(data):
            return data, begins
        if not boundary:
            held.append(data)
            return b"", []
        whole, rest = data[:boundary], data[boundary:]
        begins = [begin for begin in begins if begin < boundary]
        if held:
            size = sum(map(len, held))
            begins = [0, *(size + begin for begin in begins)]
            whole = b"".join((*held, whole))
        self._held = [rest] if rest else []
        return whole, begins
