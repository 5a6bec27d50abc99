"""Common chat streams as messages streams: one choice of text."""

from gateway.fast.forms.message_answers import TextStream
from gateway.fast.streams.chat_as_completions import read_chunk
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.finish_reasons import FinishReason
from gateway.translate.parts.messages.stop_reasons import Stop, stop_reason

_REASONS: tuple[FinishReason, ...] = ("stop", "length", "content_filter")

STOPS = {reason: Stop(stop_reason(reason)) for reason in _REASONS}
"""The ends of messages by chat's finish reasons."""


class ChatAsMessages(TextStream):
    """Folds a common chat stream (a `CommonStream`)."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._model: object = None
        self._usage: Json | None = None
        self._tier: object = None
        self._reason: FinishReason | None = None

    def take(self, event: Json) -> list[Json] | None:
        """Take a chunk; return the events to send, or None: it is not common."""
        chunk = read_chunk(event)
        if chunk is None:
            return None
        if chunk.usage and self._usage:
            return None
        choice = chunk.choices[0] if chunk.choices else None
        if choice is not None and self._reason is not None:
            return None
        self._model = self._model or chunk.model
        self._usage = chunk.usage or self._usage
        self._tier = chunk.service_tier or self._tier
        if choice is None:
            return []
        self._reason = choice.finish_reason or None
        text = choice.delta.content
        if not text and self._reason is None:
            return []
        events = self.open(self._model, self._usage, self._tier)
        return events + self.add_text(text) if text else events

    def end(self) -> list[Json] | None:
        """Return the last events; None: the choice has not ended."""
        if self._reason is None:
            return None
        return self.close(STOPS[self._reason], self._usage, self._tier)
