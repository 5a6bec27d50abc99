"""How a chat reply ended, as the `stop_reason` of a message."""

from gateway.shapes import Json
from gateway.translate.contract import Report
from gateway.translate.parts.finish_reasons import (
    UNKNOWN,
    ending_word,
    finish_reason,
    is_cut_short,
    native_word,
)
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from gateway.translate.parts.messages.stop_reasons import Stop, stop_reason

_MATCHED = ("stop_reason", "matched_stop")
"""The fields of a choice in which vLLM and SGLang name the stop sequence that they found."""


class Ending:
    """The facts about the end of the reply, collected from its choice."""

    def __init__(self, options: MessagesReplyOptions, report: Report) -> None:
        self._native_stops = options.native_stops
        self._report = report
        self._found: str | None = None
        self._native_word: str | None = None
        self._refusal: list[str] = []
        self._has_text = False
        self.word: object = None
        """The upstream's finish reason; None: the reply has not ended."""

    @property
    def is_cut_short(self) -> bool:
        """Whether a limit or a filter ended the reply."""
        return is_cut_short(self.word)

    def note(self, choice: Json) -> None:
        """Take the fields of a choice that are about its end."""
        # If there are two reasons, the first one is right.
        self.word = self.word or ending_word(choice)
        self._native_word = self._native_word or native_word(choice)
        if self._native_stops:
            for name in _MATCHED:
                if choice.get(name) in self._native_stops:
                    self._found = choice[name]

    def refuse(self, text: str) -> None:
        """Take text of a refusal."""
        self._refusal.append(text)

    def speak(self) -> None:
        """Record that the reply has text."""
        self._has_text = True

    def stop(self, *, has_tool_calls: bool, found: str | None) -> Stop:
        """Return why the message ended; `found` is a stop sequence that the gateway has found.

        Raises `UpstreamError` for a finish reason that means a failure.
        """
        if found is not None:
            return Stop("stop_sequence", found)
        has_text = self._has_text or bool(self._refusal)
        reason = finish_reason(self.word, has_text=has_text, has_tool_calls=has_tool_calls)
        if self._refusal:
            return Stop("refusal", explanation="".join(self._refusal))
        if reason == "stop" and self._found is not None:
            return Stop("stop_sequence", self._found)
        stopped = stop_reason(reason, self._native_word or self.word)
        if reason == "stop" and (self._native_word or self.word == UNKNOWN):
            self._report.change("finish_reason", self._native_word or "none", stopped)
        return Stop(stopped)
