"""Puts the client's name of a model into texts of an upstream that has another name for it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from gateway.errors import GatewayError, UpstreamError

_BEFORE: Final = r"(?<![\w./:@+-])"
_AFTER: Final = r"(?![\w/@+-]|[.:]\w)"
"""What cannot precede or follow a whole name: next to it, the name would be part of another one."""
_QUOTES: Final = "[`'\"]"


@dataclass(frozen=True, slots=True)
class ModelNames:
    """The name of a model as sent, and its different name as asked."""

    sent: str
    asked: str

    @classmethod
    def of(cls, sent: str, asked: str) -> "ModelNames | None":
        """Return the names of a model; None: both are the same, or none is sent."""
        return cls(sent, asked) if sent and sent != asked else None

    def as_asked(self, text: str) -> str:
        """Return an upstream's text with the client's name of the model.

        A name that is part of another one stays, for instance in a snapshot's name or a path. A
        name that may be a word of the text (`default`) is replaced only in quotes or after "model".
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

    Nothing is changed if `models` is None (the names are the same), nor in the gateway's own
    errors, which have the client's name already.
    """
    if models is not None and isinstance(error, UpstreamError):
        error.message = models.as_asked(error.message)


@lru_cache(maxsize=256)
def _pattern(sent: str, asked: str) -> re.Pattern[str]:
    """Return the pattern of both names in a text: the client's may contain the other one."""
    mine, name = re.escape(asked), re.escape(sent)
    if sent.isalpha() or not any(map(str.isalpha, sent)):
        in_quotes = rf"(?<={_QUOTES}){name}(?={_QUOTES})"
        behind = rf"(?:(?<=[Mm]odel )|(?<=[Mm]odel: )|(?<=[Mm]odel=)){name}{_AFTER}"
        return re.compile(rf"{_BEFORE}{mine}{_AFTER}|{in_quotes}|{behind}")
    either = f"{mine}|{name}" if len(asked) > len(sent) else f"{name}|{mine}"
    return re.compile(f"{_BEFORE}(?:{either}){_AFTER}")
