"""Chat streams as one completions stream."""

from gateway.errors import TruncatedStream
from gateway.shapes import Json
from gateway.translate.completions_via_chat.chunks import CompletionChunks
from gateway.translate.completions_via_chat.extra_fields import report_calls
from gateway.translate.completions_via_chat.reply import total_usage
from gateway.translate.completions_via_chat.request import PreparedRequest
from gateway.translate.completions_via_chat.streamed_choice import StreamedChoice, chunk_choice
from gateway.translate.contract import Context, StreamTranslation
from gateway.translate.fanout import choice_index
from gateway.translate.parts.content.sources import StreamedSources
from gateway.translate.parts.tokens.usage_sums import richer_usage
from gateway.translate.parts.upstream_errors import without_error
from gateway.translate.stream.reply_choices import ChoicePlaces, choices_of, delta_of


class CompletionsStream(StreamTranslation):
    """Folds the chat streams of all calls into one completions stream (a `StreamTranslation`).

    Choices interleave as their text arrives. Only text that may become a stop sequence is held
    back, with its logprobs.
    """

    def __init__(self, request: PreparedRequest, context: Context) -> None:
        plan = request.plan
        self._request = request
        self._plan = plan
        self._context = context
        self._calls = [
            [StreamedChoice(plan, call, position, context) for position in range(plan.per_call)]
            for call in range(plan.call_count)
        ]
        self._places = [ChoicePlaces(plan.per_call) for _ in range(plan.call_count)]
        self._unfinished = [plan.per_call] * plan.call_count
        self._cut_short = [False] * plan.call_count
        """Whether a stop sequence was found while the upstream still generates."""
        self._has_ended = False
        """Whether any choice has ended."""
        self._ended = [False] * plan.call_count
        self._usages: list[object] = [None] * plan.call_count
        self._opened: set[int] = set()
        self._chunks = CompletionChunks(
            context, keeps_id=plan.call_count == 1, include_usage=plan.include_usage
        )
        self._sources = StreamedSources(plan.call_count)

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one chunk of a call's stream; return the completions chunks to send.

        Raises `UpstreamReplied` for an error event and `UpstreamError` for a value that is not a
        chunk.
        """
        without_error(call, event, self._request)
        self._chunks.note(event)
        self._sources.take(call, event)
        if event.get("usage"):
            self._usages[call] = richer_usage(self._usages[call], event["usage"])
        chunks: list[Json] = []
        for choice in choices_of(event):
            chunks += self._take(call, choice)
        if self._sources.waits(call):
            self._sources.send(call, chunks, self._indexes(call))
        return chunks

    def end(self, call: int) -> list[Json]:
        """Take the end of a call's stream, which ends its choices.

        After the last call's stream comes the usage, on request. Raises `TruncatedStream` if a
        choice has no finish reason, and `UpstreamError` if its finish reason is that of a failure.
        """
        if self._ended[call]:
            return []
        for choice in self._calls[call]:
            if not choice.has_ended:
                raise TruncatedStream(
                    f"The upstream's stream ended before choice {choice.index} was complete. "
                    "Retry the request."
                )
        self._ended[call] = True
        last = [
            each for choice in self._calls[call] for each in choice.finish(self._request.report)
        ]
        chunks = [self._chunks.chunk([each]) for each in last]
        if self._sources.waits(call):
            indexes = self._indexes(call)
            chunks = chunks or [self._chunks.chunk([chunk_choice(indexes[0], "")])]
            self._sources.send(call, chunks, indexes)
        if not self._plan.include_usage or not all(self._ended):
            return chunks
        usage = total_usage(self._plan, self._usages)
        return chunks if usage is None else [*chunks, {**self._chunks.chunk([]), "usage": usage}]

    def satisfied(self, call: int) -> bool:
        """Whether the gateway has cut all choices of the call that the upstream still generates.

        False if the client wants the usage, which comes at the end of the stream.
        """
        return not self._unfinished[call] and self._cut_short[call] and not self._plan.include_usage

    @property
    def passes_text(self) -> bool:
        """Whether no stop sequences or logprobs are processed, and no choice has ended.

        After a finish reason, the last text is held until more text comes.
        """
        return not (self._plan.stops or self._has_ended) and self._plan.logprobs is None

    def _indexes(self, call: int) -> list[int]:
        return [choice.index for choice in self._calls[call]]

    def _take(self, call: int, piece: Json) -> list[Json]:
        position = self._places[call].place(piece)
        if position is None:
            return []
        chunks = self._open(self._plan.prompt_of(call))
        choice = self._calls[call][position]
        had_ended = choice.has_ended
        for each in choice.deltas.take(piece):
            report_calls(delta_of(each), self._request.report)
            chunks += [self._chunks.chunk([shown]) for shown in choice.take(each)]
        if choice.has_ended and not had_ended:
            self._has_ended = True
            self._unfinished[call] -= 1
            self._cut_short[call] = self._cut_short[call] or choice.cut_short
        return chunks

    def _open(self, prompt: int) -> list[Json]:
        """Return the chunks that echo a prompt, one for each choice, the first time only."""
        plan = self._plan
        if prompt in self._opened:
            return []
        self._opened.add(prompt)
        text = plan.prompts[prompt].text
        if not plan.echo or not text:
            return []
        indexes = [choice_index(prompt, position, plan.n) for position in range(plan.n)]
        return [self._chunks.chunk([chunk_choice(index, text)]) for index in indexes]
