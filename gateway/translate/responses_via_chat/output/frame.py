"""The frame of a stream of responses events, whatever its items are made of."""

from collections.abc import Mapping

from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.contract import Context, StreamTranslation
from gateway.translate.parts.finish_reasons import with_native
from gateway.translate.responses_via_chat.output.items import MessageItem
from gateway.translate.responses_via_chat.output.queue import OutputQueue
from gateway.translate.responses_via_chat.output.response_object import (
    ResponseObject,
    UpstreamFacts,
)
from gateway.translate.stream.response_errors import failure, reported

INCOMPLETE: Mapping[str, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
"""The reason why a response is incomplete, by chat's finish reason."""


class ResponseOutput:
    """The beginning and the end of a response, and the queue of its items.

    `client` is the checked request.
    """

    def __init__(self, client: Json, context: Context, queue: OutputQueue | None = None) -> None:
        self._client = client
        self._context = context
        self._queue = queue or OutputQueue()
        self._facts = UpstreamFacts()
        self._response: ResponseObject | None = None
        self._native_word: str | None = None
        """The upstream's own finish reason, if it says more."""
        self._ended = False

    def _open(self) -> ResponseObject:
        """Begin the response, unless it has begun."""
        if self._response is None:
            self._response = ResponseObject(self._client, self._facts, self._context)
            for kind in ("response.created", "response.in_progress"):
                response = self._response.at("in_progress", ())
                self._queue.write({"type": kind, "response": response})
        return self._response

    def _message(self) -> MessageItem:
        """Return the last item if it is a message, or else a new one."""
        last = self._queue.last
        if isinstance(last, MessageItem):
            return last
        return self._queue.add(MessageItem(self._queue.next_index, self._context.new_id()))

    def _complete(self, incomplete: str | None) -> None:
        """End all items and the response; `incomplete` is the reason if it is incomplete."""
        response = self._open()
        self._queue.end(truncated=incomplete is not None)
        status = "incomplete" if incomplete else "completed"
        ended = response.at(status, self._output(status), incomplete_reason=incomplete)
        ended = with_native(ended, self._native_word)
        self._queue.write({"type": f"response.{status}", "response": ended})
        self._ended = True

    def _output(self, status: str) -> list[Json]:  # noqa: ARG002 - a compaction needs it
        """Return the output of a response that ends."""
        return self._queue.done


class ResponseFrame(ResponseOutput, StreamTranslation):
    """A responses stream without its items: its beginning, its end, and its errors."""

    def fail(self, error: GatewayError) -> list[Json]:
        """Return the error, and the failed response with the items so far."""
        if self._ended:
            return []
        self._ended = True
        response = self._open()
        output = self._queue.break_off()
        self._queue.write({"type": "error", **reported(error)})
        failed = response.at("failed", output, error=failure(error))
        self._queue.write({"type": "response.failed", "response": failed})
        return self._queue.sent()
