"""Common chat streams as responses streams: one choice of text."""

from typing import Final

from gateway.fast.streams.chat_as_completions import read_chunk
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.responses_via_chat.output.frame import INCOMPLETE, ResponseOutput


class ChatAsResponses(ResponseOutput):
    """Folds a common chat stream (a `CommonStream`). `client` has what the response repeats.

    Later events repeat the ids that it draws (`FastCodec.repeats_ids`).
    """

    passes_text: Final = True

    def __init__(self, client: Json, context: Context) -> None:
        super().__init__(client, context)
        self._reason: str | None = None
        self.length = 0

    def ping(self) -> list[Json]:
        """Return nothing: a comment shows that the stream is alive."""
        return []

    def take(self, event: Json) -> list[Json] | None:
        """Take a chunk; return the events to send, or None: it is not common."""
        chunk = read_chunk(event)
        if chunk is None:
            return None
        choice = chunk.choices[0] if chunk.choices else None
        if choice is not None and self._reason is not None:
            return None
        self._facts.note(event)
        if choice is None:
            return []
        self._open()
        text = choice.delta.content
        if text:
            self.length += len(text)
            self._message().add_text(text, ())
            self._queue.advance()
        self._reason = choice.finish_reason or None
        return self._queue.sent()

    def end(self) -> list[Json] | None:
        """Return the last events; None: the choice has not ended, or has no text."""
        if self._reason is None or not self.length:
            return None
        self._complete(INCOMPLETE.get(self._reason))
        return self._queue.sent()
