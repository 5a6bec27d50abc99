"""Chooses the message that is shown if the content must be one JSON document: two are not.

Models that label their messages (`phase`) comment on their work before they answer, and may answer
more than once: the last final answer is shown, or a comment if there is no answer. So messages with
a phase wait for the end. Without a phase, the first message is shown as it comes; refusals are not
documents, and are always shown. Messages that are left out are reported.
"""

from collections.abc import Callable
from typing import Final

from gateway.errors import UpstreamError
from gateway.translate.chat_via_responses.output.text import Step
from gateway.translate.chat_via_responses.output.tracking import OutputItem
from gateway.translate.contract import Report

MAX_HELD_CHARACTERS: Final = 32 * 1024 * 1024
"""The most characters of all messages that wait."""

Piece = Callable[[], list[Step]]
"""A function that shows a piece of a message."""


class Documents:
    """The messages of one response, of which one is shown."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._shown: OutputItem | None = None
        self._held: dict[OutputItem, list[Piece]] = {}
        self._characters = 0

    def take(self, item: OutputItem, text: str, piece: Piece) -> list[Step]:
        """Show a piece of a message with this text, hold it back, or leave it out.

        Raises `UpstreamError` if too much text waits.
        """
        if self._is_shown(item):
            return piece()
        if not self._waits(item):
            if text:
                self._leave_out()
            return []
        return self._hold(item, text, piece)

    def take_refusal(self, item: OutputItem, text: str, piece: Piece) -> list[Step]:
        """Show a piece of a refusal, or hold it back with its message; raises as `take` does."""
        return self._hold(item, text, piece) if self._waits(item) else piece()

    def finish(self) -> list[Step]:
        """Show the document at the end of the response, if it had to wait."""
        held, self._held = self._held, {}
        with_text = [item for item in held if item.texts]
        answers = [item for item in with_text if item.phase == "final_answer"]
        is_free = self._shown is None or not self._shown.has_been_shown
        best = (answers or with_text)[-1:] if is_free else []
        if len(best) < len(with_text):
            self._leave_out()
        return [step for item in best for piece in held[item] for step in piece()]

    def _leave_out(self) -> None:
        self._report.drop("output.message")

    def _waits(self, item: OutputItem) -> bool:
        return item.phase is not None or item in self._held

    def _hold(self, item: OutputItem, text: str, piece: Piece) -> list[Step]:
        self._characters += len(text)
        if self._characters > MAX_HELD_CHARACTERS:
            raise UpstreamError(
                f"The upstream's response has messages of more than {MAX_HELD_CHARACTERS} "
                "characters. Limit it with a token limit."
            )
        self._held.setdefault(item, []).append(piece)
        return []

    def _is_shown(self, item: OutputItem) -> bool:
        is_free = self._shown is None or not self._shown.has_been_shown
        if is_free and not self._waits(item):
            self._shown = item
        return self._shown is item
