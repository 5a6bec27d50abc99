"""The visible text of one response, cut at stop sequences, with aligned logprobs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.chat_via_completions.choices import ChoiceFold, Piece
from gateway.translate.chat_via_responses.request import PreparedRequest
from gateway.translate.parts.tokens.logprobs import token_bytes

_REPLACEMENT = "\ufffd"


@dataclass(slots=True)
class Step:
    """A delta of the message, and the logprobs of its text."""

    delta: Json
    entries: list[Json] = field(default_factory=list)


def text_steps(piece: Piece) -> list[Step]:
    """Return the step that shows a piece of text; none if it is empty."""
    return [Step({"content": piece.text}, piece.entries)] if piece.text or piece.entries else []


class TextFold:
    """Cuts the text at stop sequences, and at a limit that the upstream does not take.

    The limit is a number of tokens, so it is applied only if there are logprobs to count.
    """

    def __init__(self, request: PreparedRequest) -> None:
        self._fold = ChoiceFold(
            request.stops, strip_leading=False, top_logprobs=request.top_logprobs
        )
        self._wants_logprobs = request.top_logprobs is not None
        self._tokens_left = request.raised_limit
        self._limited = False
        self.shown = 0
        """The number of characters that were shown."""

    @property
    def cut_by(self) -> str | None:
        """The finish reason of a text that was cut: `stop` or `length`; None: it was not cut."""
        if self._fold.stopped:
            return "stop"
        return "length" if self._limited else None

    def count_no_tokens(self) -> None:
        """Apply no limit from now on: the next tokens belong to text that was shown already."""
        self._tokens_left = None

    def feed(self, text: str, logprobs: object) -> Piece:
        """Take the next text and its logprob entries; raises `UpstreamError`."""
        if self._limited:
            return Piece()
        entries = self._entries(logprobs)
        if self._tokens_left is not None and entries:
            text, entries = self._within_limit(text, entries, self._tokens_left)
        return self._show(self._fold.feed(text, {"content": entries}))

    def finish(self) -> Piece:
        """Return the text that was held back, at the end."""
        return self._show(self._fold.finish())

    def _show(self, piece: Piece) -> Piece:
        self.shown += len(piece.text)
        for entry in piece.entries:
            for each in (entry, *entry["top_logprobs"]):
                _forget_guessed_bytes(each)
        return piece

    def _entries(self, logprobs: object) -> list[Any]:
        if not self._wants_logprobs or logprobs is None:
            return []
        if not isinstance(logprobs, list):
            raise UpstreamError("The upstream's logprobs cannot be read: they are not a list.")
        return logprobs

    def _within_limit(
        self, text: str, entries: Sequence[Json], left: int
    ) -> tuple[str, list[Json]]:
        self._tokens_left = max(left - len(entries), 0)
        if len(entries) <= left:
            return text, list(entries)
        self._limited = True
        raw = b"".join(token_bytes(entry) for entry in entries[:left])
        return raw.decode("utf-8", "ignore"), list(entries[:left])


def _forget_guessed_bytes(entry: Json) -> None:
    """Remove the bytes of a token if they were guessed wrongly.

    Some servers' streams have tokens without bytes. The text of a token with part of a character is
    the replacement character, from which its bytes cannot be told.
    """
    token: str = entry["token"]
    if _REPLACEMENT in token and entry["bytes"] == list(token.encode("utf-8", "replace")):
        entry["bytes"] = None
