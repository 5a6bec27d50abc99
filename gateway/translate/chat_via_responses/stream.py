"""Streams of responses events as one stream of chat chunks."""

from collections import Counter
from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.endings import error_of_response
from gateway.translate.chat_via_responses.output.events import HELD
from gateway.translate.chat_via_responses.output.fold import TERMINAL, OutputFold
from gateway.translate.chat_via_responses.output.text import Step
from gateway.translate.chat_via_responses.reply import (
    identity,
    is_moderated,
    moderated,
    tier,
    total_usage,
)
from gateway.translate.chat_via_responses.request import PreparedRequest
from gateway.translate.contract import Context, Report
from gateway.translate.parts.finish_reasons import with_native
from gateway.translate.parts.moderation import moderation_of_all
from gateway.translate.parts.tokens.usage_sums import richer_usage
from gateway.translate.parts.upstream_errors import ended_too_early, without_error
from gateway.translate.stream.chat_frame import ChatFrame

_LISTS = frozenset({"annotations", "content_parts", "file_citations", "images", "output_items"})


class ChatStream(ChatFrame):
    """Folds the responses streams of all calls, one for each choice."""

    def __init__(self, request: PreparedRequest, context: Context, report: Report) -> None:
        calls = len(request.calls)
        super().__init__(calls, calls, include_usage=request.include_usage)
        self._request = request
        self._context = context
        self._first: Json = {}
        self._folds = [OutputFold(request, sent, context, report) for sent in request.calls]
        self._finished = [False] * calls
        self._cut_short = [False] * calls
        self._entries = [Counter[str]() for _ in request.calls]
        """For each call, how many entries of each list its choice has had."""
        self._moderations: list[Json | None] = [None] * calls

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one responses event.

        Raises `UpstreamReplied` for an error, `UpstreamError` for a value that is not an event.
        """
        if self._finished[call]:
            # The client has the text: citations and fields beside the choices are still wanted.
            self._see_response(call, event)
            return [self._step_chunk(call, step) for step in self._folds[call].feed(event)]
        without_error(call, event, self._request, error_of_response)
        self._see_response(call, event)
        kind = event.get("type")
        if not isinstance(kind, str) or not kind.startswith("response.") or kind in HELD:
            return []
        fold = self._folds[call]
        steps = fold.feed(event)
        chunks = [*self._opened(self._named), *(self._step_chunk(call, step) for step in steps)]
        if fold.finish_reason is not None:
            self._finished[call] = True
            self._cut_short[call] = kind not in TERMINAL
            chunks += self._finish(call, event, fold.finish_reason)
        return chunks

    def _close(self, call: int) -> list[Json]:
        if not self._finished[call]:
            raise ended_too_early("response")
        moderation = moderation_of_all(self._moderations)
        if not moderation or self._open != {call}:
            return []
        return [{**self._chunks.chunk([]), "moderation": moderation}]

    def _total_usage(self, usages: Sequence[object]) -> Json | None:
        return total_usage(usages)

    def satisfied(self, call: int) -> bool:
        """Whether the gateway has cut the choice's text while the upstream still generates.

        False if the client asked for the usage or a moderation, which come at the end of the
        upstream's stream.
        """
        return self._cut_short[call] and not self._awaits_end

    @property
    def _awaits_end(self) -> bool:
        return self._request.include_usage or is_moderated(self._request)

    @property
    def passes_text(self) -> bool:
        """Whether text is neither cut by the gateway nor has logprobs."""
        return not self._request.looks_into_text

    def _see_response(self, call: int, event: object) -> None:
        """Keep the first response object, which names the reply; the usage; and a moderation."""
        response = event.get("response") if isinstance(event, dict) else None
        if not isinstance(event, dict) or not isinstance(response, dict):
            return
        self._first = self._first or response
        kind = event.get("type")
        if isinstance(kind, str) and kind in TERMINAL:
            self._usages[call] = richer_usage(self._usages[call], response.get("usage"))
            self._moderations[call] = moderated(response, self._request)

    def _named(self) -> Json:
        return identity(self._first, self._request, self._context, "chat.completion.chunk")

    def _step_chunk(self, call: int, step: Step) -> Json:
        delta = step.delta
        for name in _LISTS & delta.keys():
            # openai-python's stream helper accumulates lists of objects by their index.
            (entry,) = delta[name]
            delta = {name: [{"index": self._entries[call][name], **entry}]}
            self._entries[call][name] += 1
        return self._choice_chunk(call, delta, entries=step.entries)

    def _finish(self, call: int, event: Json, reason: str) -> list[Json]:
        """Return the choice's last chunk, with the response's fields beside the choices."""
        last = self._choice_chunk(call, {}, finish_reason=reason)
        last["choices"] = [with_native(last["choices"][0], self._folds[call].native_word)]
        response = event.get("response")
        answered = response if isinstance(response, dict) else {}
        chunks = [{**last, **tier(answered)}]
        self._sources.take(call, answered)
        self._sources.send(call, chunks, (call,))
        return chunks
