"""A seal that everybody can read."""

import msgspec

from gateway.shapes import Json


class OpenSeal:
    """Seals as JSON; `of` marks its texts."""

    def __init__(self, of: str = "ours", *, keeps: bool = False, remembers: bool = False) -> None:
        self._prefix = f"{of}:"
        self.keeps = keeps
        self.remembers = remembers

    def close(self, content: Json) -> str:
        return self._prefix + msgspec.json.encode(content).decode()

    def open(self, text: str) -> Json | None:
        if not text.startswith(self._prefix):
            return None
        content: Json = msgspec.json.decode(text.removeprefix(self._prefix))
        return content

    def is_own(self, text: str) -> bool:
        return ":" in text
