"""A stream of responses events as a stream of messages events."""

from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.endings import error_of_response
from gateway.translate.chat_via_responses.output.events import HELD
from gateway.translate.chat_via_responses.output.fold import TERMINAL
from gateway.translate.contract import Context, Report, StreamTranslation
from gateway.translate.messages_via_responses.output.fold import MessageFold
from gateway.translate.parts.messages.prepared import PreparedMessages
from gateway.translate.parts.upstream_errors import ended_too_early, without_error
from gateway.translate.stream.messages.messages_frame import MessagesFrame


class MessagesStream(StreamTranslation):
    """Folds the stream of the one call (a `StreamTranslation`)."""

    def __init__(self, request: PreparedMessages, context: Context, report: Report) -> None:
        self._request = request
        self._frame = MessagesFrame(context)
        self._fold = MessageFold(request, self._frame, context, report)
        self._response: Json = {}
        """The response object of the last event that had one."""

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one responses event; return the events to send.

        Raises `UpstreamReplied` for an error, `UpstreamError` for a value that is not an event.
        """
        if self._frame.ended:
            return []
        without_error(call, event, self._request, error_of_response)
        response, kind = event.get("response"), event.get("type")
        if isinstance(response, dict):
            self._response = response
        if not isinstance(kind, str) or not kind.startswith("response.") or kind in HELD:
            return []
        if kind in TERMINAL:
            self._fold.end(event)
        else:
            self._fold.feed(event)
        known = self._response
        fields = (known.get("usage"), known.get("service_tier"))
        self._frame.start(known.get("model"), *fields)
        self._frame.advance()
        if self._fold.stop is not None:
            self._frame.end(self._fold.stop, *fields, truncated=self._fold.truncated)
        return self._frame.sent()

    def end(self, call: int) -> list[Json]:  # noqa: ARG002
        """Take the end of the stream; raises `TruncatedStream` if the message has not ended."""
        if not self._frame.ended:
            raise ended_too_early("response")
        return []

    def fail(self, error: GatewayError) -> list[Json]:
        """Return the event that reports an error."""
        return self._frame.fail(error)

    def ping(self) -> list[Json]:
        """Return a ping, once the message has begun."""
        return self._frame.ping()

    def satisfied(self, call: int) -> bool:  # noqa: ARG002
        """Whether a stop sequence was found: the rest of the upstream's reply is not needed."""
        return self._fold.is_cut

    @property
    def passes_text(self) -> bool:
        """Whether no stop sequences are looked for."""
        return not self._request.options.stop_sequences
