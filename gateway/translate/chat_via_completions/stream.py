"""Streams of completions chunks as one stream of chat chunks."""

from collections.abc import Sequence

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_completions.choices import Piece
from gateway.translate.chat_via_completions.reply import (
    choice_text,
    finish_of,
    new_fold,
    total_usage,
)
from gateway.translate.chat_via_completions.request import PreparedRequest
from gateway.translate.contract import Context
from gateway.translate.fanout import choice_index
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.finish_reasons import (
    ending_word,
    finish_reason,
    native_word,
    with_native,
)
from gateway.translate.parts.tokens.usage_sums import richer_usage
from gateway.translate.parts.upstream_errors import ended_too_early, without_error
from gateway.translate.stream.chat_frame import ChatFrame
from gateway.translate.stream.reply_choices import ChoicePlaces, choices_of


class ChatStream(ChatFrame):
    """Folds the streams of all calls; only text that may become a stop sequence is kept."""

    def __init__(self, request: PreparedRequest, context: Context) -> None:
        super().__init__(len(request.calls), request.choices, include_usage=request.include_usage)
        self._request = request
        self._context = context
        self._folds = [new_fold(request) for _ in range(request.choices)]
        self._places = [ChoicePlaces(request.choices_per_call) for _ in request.calls]
        self._words: dict[int, Json] = {}
        """The upstream choices with finish reasons that the client does not have yet, by index."""
        self._finished = [False] * request.choices

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one completions chunk.

        Raises `UpstreamReplied` for an error, `UpstreamError` for a value that is not a chunk.
        """
        without_error(call, event, self._request)
        choices = choices_of(event)
        # llama.cpp sends choices and usage in one chunk, vLLM on request a usage in every chunk.
        if event.get("usage") is not None:
            self._usages[call] = richer_usage(self._usages[call], event["usage"])
        self._sources.take(call, event)
        chunks: list[Json] = []
        if choices:
            chunks += self._opening(event)
            for choice in choices:
                chunks += self._choice(call, choice)
            if self._sources.waits(call):
                self._sources.send(call, chunks, self._indexes(call))
        if "moderation" in self._request.client and isinstance(event.get("moderation"), dict):
            chunks += self._opening(event)
            chunks.append({**self._chunks.chunk([]), "moderation": event["moderation"]})
        return chunks

    def _close(self, call: int) -> list[Json]:
        indexes = self._indexes(call)
        if not all(self._has_ended(index) for index in indexes):
            raise ended_too_early()
        chunks = [chunk for index in indexes for chunk in self._finish(index)]
        if self._sources.waits(call):
            chunks = chunks or [self._choice_chunk(indexes[0], {})]
            self._sources.send(call, chunks, indexes)
        return chunks

    def _total_usage(self, usages: Sequence[object]) -> Json | None:
        return total_usage(usages)

    def satisfied(self, call: int) -> bool:
        """Whether all choices of the call have ended, and one at a stop sequence found here.

        False if the client asked for usage, which comes at the end of the upstream's stream.
        """
        indexes = self._indexes(call)
        return (
            not self._request.include_usage
            and all(self._has_ended(index) for index in indexes)
            and any(self._folds[index].stopped for index in indexes)
        )

    @property
    def passes_text(self) -> bool:
        """Whether neither stop sequences nor logprobs are processed."""
        return not self._request.stops and self._request.top_logprobs is None

    def _has_ended(self, index: int) -> bool:
        """Whether a choice has a finish reason, from the upstream or from the gateway."""
        return self._finished[index] or index in self._words

    def _indexes(self, call: int) -> Sequence[int]:
        per_call = self._request.choices_per_call
        return range(call * per_call, (call + 1) * per_call)

    def _opening(self, event: Json) -> list[Json]:
        """Fix the common fields at the first event; a fingerprint may come with a later one."""
        is_first = not self._chunks.identity
        if is_first:
            single = len(self._request.calls) == 1
            self._chunks.begin(
                swap_id(event.get("id") if single else None, Shape.CHAT, self._context),
                created(event.get("created"), self._context),
                model_name(event.get("model"), self._context),
            )
        fingerprint = event.get("system_fingerprint")
        if isinstance(fingerprint, str):
            self._chunks.identity.setdefault("system_fingerprint", fingerprint)
        return self._announced() if is_first else []

    def _choice(self, call: int, choice: Json) -> list[Json]:
        """Take a part of a choice; its end waits for the stream's: servers send more after it."""
        index = self._index(call, choice)
        if index is None or self._finished[index]:
            return []
        fold = self._folds[index]
        piece = fold.feed(choice_text(choice), choice.get("logprobs"))
        word = ending_word(choice)
        if index not in self._words and word is not None:
            self._words[index] = choice
            # Raises at once if the word is that of a failure.
            finish_reason(word, has_text=True)
        return self._content(index, piece) + (self._finish(index) if fold.stopped else [])

    def _finish(self, index: int) -> list[Json]:
        """Return the chunks that end a choice; none if it has ended."""
        if self._finished[index]:
            return []
        fold, ended = self._folds[index], self._words.get(index, {})
        piece = fold.finish()
        self._finished[index] = True
        last = self._choice_chunk(
            index, {}, finish_reason=finish_of(ended.get("finish_reason"), fold)
        )
        if not fold.stopped:
            last["choices"] = [with_native(last["choices"][0], native_word(ended))]
        return [*self._content(index, piece), last]

    def _index(self, call: int, choice: Json) -> int | None:
        """Return the client's index of a choice; None for one that was not requested."""
        position = self._places[call].place(choice)
        per_call = self._request.choices_per_call
        if position is None and per_call > 1:
            raise UpstreamError(
                f"The upstream's stream has a choice with an index other than 0 to {per_call - 1}."
            )
        return None if position is None else choice_index(call, position, per_call)

    def _content(self, index: int, piece: Piece) -> list[Json]:
        if not piece:
            return []
        return [self._choice_chunk(index, {"content": piece.text}, entries=piece.entries)]
