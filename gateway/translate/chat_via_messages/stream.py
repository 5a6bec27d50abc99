"""Streams of messages events as one stream of chat chunks."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.chat_via_messages.fold import MessageFold
from gateway.translate.chat_via_messages.reply import identity, tier, total_usage
from gateway.translate.chat_via_messages.request import PreparedRequest
from gateway.translate.contract import Context, Report
from gateway.translate.parts.finish_reasons import with_native
from gateway.translate.parts.to_messages.replied_errors import error_of_message
from gateway.translate.parts.to_messages.unplaced import report_unplaced
from gateway.translate.parts.upstream_errors import ended_too_early, without_error
from gateway.translate.stream.chat_frame import ChatFrame


class ChatStream(ChatFrame):
    """Folds the messages streams of all calls, one for each choice.

    Nothing is sent before the first block, and no finish reason before `message_stop`, so that a
    stream that breaks off before that does not look complete.
    """

    def __init__(self, request: PreparedRequest, context: Context, report: Report) -> None:
        calls = len(request.calls)
        super().__init__(calls, calls, include_usage=request.include_usage)
        self._request = request
        self._context = context
        self._report = report
        self._first: Json = {}
        self._folds = [MessageFold(request, context) for _ in request.calls]

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one messages event; raises `UpstreamReplied` for an error."""
        fold = self._folds[call]
        had_ended = fold.finish_reason is not None
        if not had_ended:
            without_error(call, event, self._request, error_of_message)
            report_unplaced(event, self._report)
        message = event.get("message")
        self._first = self._first or (message if isinstance(message, dict) else {})
        deltas = [delta for delta in fold.feed(event) if delta]
        self._usages[call] = fold.counts.usage
        has_ended = fold.finish_reason is not None and not had_ended
        chunks = self._opened(self._named) if deltas or has_ended else []
        chunks += [self._choice_chunk(call, delta) for delta in deltas]
        if has_ended:
            last = self._choice_chunk(call, {}, finish_reason=fold.finish_reason)
            last["choices"] = [with_native(last["choices"][0], fold.native_word)]
            chunks.append({**last, **tier(fold)})
        return chunks

    def _named(self) -> Json:
        return identity(self._first, self._request, self._context, "chat.completion.chunk")

    def _close(self, call: int) -> list[Json]:
        if self._folds[call].finish_reason is None:
            raise ended_too_early("message")
        return []

    def _total_usage(self, usages: Sequence[object]) -> Json | None:
        return total_usage(usages)

    def satisfied(self, call: int) -> bool:
        """Whether the gateway has cut the choice's text while the upstream still generates.

        False if the client asked for usage, which comes at the end of the upstream's stream.
        """
        return not self._request.include_usage and self._folds[call].is_cut

    @property
    def passes_text(self) -> bool:
        """Whether the gateway cuts no text."""
        return not self._request.stops
