"""What a client keeps between two turns, and brings back unread."""

from typing import Protocol

from gateway.shapes import Json


class Seal(Protocol):
    """Seals what one caller's client keeps between two turns, and brings back unread."""

    @property
    def keeps(self) -> bool:
        """Whether replies are kept in a store: then nothing of them may be missing."""

    def close(self, content: Json) -> str:
        """Return the content, sealed."""

    def open(self, text: str) -> Json | None:
        """Return what was sealed; None for any text that this seal has not closed."""

    def is_own(self, text: str) -> bool:
        """Whether a text looks like one of a gateway's, if perhaps under another secret."""
