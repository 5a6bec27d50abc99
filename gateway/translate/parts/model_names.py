"""The client's name of a model in texts of its upstream, which has another one for it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from gateway.errors import GatewayError, UpstreamError

_BEFORE: Final = r"(?<![\w./:@+-])"
_AFTER: Final = r"(?![\w/@+-]|[.:]\w)"
"""What does not follow, nor precede, a whole name: with it, this is part of another."""
_QUOTES: Final = "[`'\"]"


@dataclass(frozen=True, slots=True)
class ModelNames:
    """The name of a model as sent, and as asked, which differs."""

    sent: str
    asked: str

    @classmethod
    def of(cls, sent: str, asked: str) -> "ModelNames | None":
        """Return the names of a model; None: it has only one, or none is sent."""
        return cls(sent, asked) if sent and sent != asked else None

    def as_asked(self, text: str) -> str:
        """Return an upstream's text with the client's name of the model.

        A name that is part of another stays: a snapshot's, a path's. One that may be a word of the
        text (`default`) counts in quotes, or behind "model".
        """
        if self.sent not in text:
            return text
        return _pattern(self.sent, self.asked).sub(lambda _: self.asked, text)

    def in_texts(self, value: Any) -> Any:
        """Return a JSON value with the client's name in all of its texts."""
        if isinstance(value, str):
            return self.as_asked(value)
        if isinstance(value, dict):
            return {key: self.in_texts(inner) for key, inner in value.items()}
        return [self.in_texts(inner) for inner in value] if isinstance(value, list) else value


def name_as_asked(error: GatewayError, models: ModelNames | None) -> None:
    """Change the message of an upstream's error so that it has the client's name of the model.

    `models` None: that is the upstream's. The gateway's own errors have it already.
    """
    if models is not None and isinstance(error, UpstreamError):
        error.message = models.as_asked(error.message)


@lru_cache(maxsize=256)
def _pattern(sent: str, asked: str) -> re.Pattern[str]:
    """Return what matches the names in a text: the client's, too, which may contain the other."""
    mine, name = re.escape(asked), re.escape(sent)
    if sent.isalpha() or not any(map(str.isalpha, sent)):
        in_quotes = rf"(?<={_QUOTES}){name}(?={_QUOTES})"
        behind = rf"(?:(?<=[Mm]odel )|(?<=[Mm]odel: )|(?<=[Mm]odel=)){name}{_AFTER}"
        return re.compile(rf"{_BEFORE}{mine}{_AFTER}|{in_quotes}|{behind}")
    either = f"{mine}|{name}" if len(asked) > len(sent) else f"{name}|{mine}"
    return re.compile(f"{_BEFORE}(?:{either}){_AFTER}")
