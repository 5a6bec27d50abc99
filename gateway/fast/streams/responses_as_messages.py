"""Common responses streams as messages streams: one text, after hidden reasoning."""

from gateway.fast.codec import ABSENT, Absent
from gateway.fast.forms.message_answers import TextStream
from gateway.fast.forms.response_replies import HiddenReasoning
from gateway.fast.streams.responses_reader import ResponsesReader
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.messages.stop_reasons import Stop

END = Stop("end_turn")
"""The end of a message that is a complete response."""


class ResponsesAsMessages(ResponsesReader):
    """Folds a common responses stream (a `CommonStream`). `limit` is that of tokens, 0: none."""

    def __init__(self, context: Context, limit: int) -> None:
        super().__init__(limit)
        self._events = TextStream(context)
        self._reasoning: list[tuple[object, int]] = []
        """The ids and the places of reasoning items that have not ended."""

    def ping(self) -> list[Json]:
        """Return the event that shows that the stream is alive; none before its beginning."""
        return self._events.ping()

    def end(self) -> list[Json] | None:
        """Return nothing more; None: the response is not complete."""
        return [] if self._has_ended else None

    def _admits(self, thought: HiddenReasoning, place: int, *, is_done: bool) -> bool:
        """Whether the reasoning has nothing to send back, and ends only after it has begun."""
        known = thought.id, place
        if not is_done:
            self._reasoning.append(known)
        elif known in self._reasoning:
            self._reasoning.remove(known)
        else:
            return False
        return not thought.encrypted_content

    def _admits_phase(self, phase: str | Absent) -> bool:
        """Whether the phase is absent: messages have no place for one."""
        return phase is ABSENT

    def _open(self) -> list[Json]:
        return self._events.open(self._last.get("model"), *self._counted())

    def _say(self, text: str) -> list[Json] | None:
        """Return the events of text; None while reasoning has not ended."""
        return None if self._reasoning else self._events.add_text(text)

    def _close(self) -> list[Json]:
        return self._events.close(END, *self._counted())

    def _counted(self) -> tuple[object, object]:
        return self._last.get("usage"), self._last.get("service_tier")
