"""Chat streams as one completions stream, chunk by chunk; no text is kept."""

from collections.abc import Sequence

from gateway.errors import GatewayError, TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat.beside_text import beside_text, cited_late
from gateway.translate.completions_via_chat.reply import (
    ClientParam,
    carried_error,
    client_finish_reason,
    legacy_logprobs,
    logprob_entries,
    malformed,
    total_usage,
    visible_text,
)
from gateway.translate.completions_via_chat.request import Plan
from gateway.translate.contract import Context, PlainTexts, Report
from gateway.translate.fanout import choice_index
from gateway.translate.parts.fields import created, model_name, richer_usage, swap_id
from gateway.translate.parts.finish_reasons import native_word, with_native
from gateway.translate.parts.logprobs import Aligner
from gateway.translate.parts.sources import StreamedSources, has_sources, sources_within
from gateway.translate.stream.choice_deltas import ChoiceDeltas
from gateway.translate.stream.stops import StopScanner

_HIDDEN = ("reasoning_content", "reasoning", "tool_calls", "function_call")


class CompletionsStream:
    """Folds the chat streams of all calls into one completions stream (a `StreamTranslation`).

    Choices interleave as their text arrives. What is held back is only what may still become a
    stop sequence, with its logprobs.
    """

    def __init__(
        self, plan: Plan, context: Context, report: Report, client_param: ClientParam
    ) -> None:
        self._plan = plan
        self._context = context
        self._report = report
        self._client_param = client_param
        self._calls = [
            [_Choice(plan, call, position, context) for position in range(plan.per_call)]
            for call in range(plan.call_count)
        ]
        self._unfinished = [plan.per_call] * plan.call_count
        self._cut_short = [False] * plan.call_count
        """Whether a stop sequence was found while the upstream still generates."""
        self._ended = [False] * plan.call_count
        self._usages: list[object] = [None] * plan.call_count
        self._opened: set[int] = set()
        self._said_last = ChoiceDeltas()
        """What the choice that was fed last has said."""
        self._identity = _Identity(context, keeps_id=plan.call_count == 1)
        self._sources = StreamedSources(plan.call_count)

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one chunk of a call's stream; return the completions chunks to send.

        Raises `UpstreamReplied` for an error event and `UpstreamError` for one that is no chunk.
        """
        error = carried_error(call, event, self._client_param)
        if error is not None:
            raise error
        if not isinstance(event, dict):
            raise malformed("an event is not a JSON object")
        self._identity.note(event)
        self._sources.take(call, event)
        if event.get("usage"):
            self._usages[call] = richer_usage(self._usages[call], event["usage"])
        choices = event.get("choices")
        if choices is None:
            return []
        if not isinstance(choices, list):
            raise malformed("'choices' is not a list")
        chunks: list[Json] = []
        for choice in choices:
            chunks += self._take(call, choice)
        if self._sources.waits(call):
            self._sources.tell(call, chunks, self._indexes(call))
        return chunks

    def end(self, call: int) -> list[Json]:
        """Take the end of a call's stream; after the last one, return the usage if asked for.

        Raises `TruncatedStream` when a choice of the call has no finish reason.
        """
        if self._ended[call]:
            return []
        for choice in self._calls[call]:
            if not choice.finished:
                raise TruncatedStream(
                    f"The upstream's stream ended before choice {choice.index} was complete. "
                    "Retry the request."
                )
        self._ended[call] = True
        chunks: list[Json] = []
        if self._sources.waits(call):
            indexes = self._indexes(call)
            chunks = [self._chunk([_chunk_choice(indexes[0], "")])]
            self._sources.tell(call, chunks, indexes)
        if not self._plan.include_usage or not all(self._ended):
            return chunks
        usage = total_usage(self._plan, self._usages)
        return chunks if usage is None else [*chunks, {**self._chunk([]), "usage": usage}]

    def fail(self, error: GatewayError) -> list[Json]:
        """Return the event that tells the client of an error: the envelope itself."""
        return [dict(error.envelope())]

    def satisfied(self, call: int) -> bool:
        """Whether the gateway has cut all choices of the call that the upstream still generates.

        Not where the client wants the usage, which comes only at the stream's end.
        """
        return not self._unfinished[call] and self._cut_short[call] and not self._plan.include_usage

    def plain_texts(self) -> PlainTexts | None:
        """Return itself where no text is looked into."""
        plan = self._plan
        return None if plan.stops or plan.logprobs is not None else self

    def is_plain(self, call: int, event: Json) -> bool:  # noqa: ARG002 - the same for all calls
        """Whether a chunk was the text of one choice, which goes on; see `PlainTexts`.

        What it says of its identity is pinned by now, and of the rest nothing is read.
        """
        choices = event.get("choices")
        if event.get("usage") or not isinstance(choices, list) or len(choices) != 1:
            return False
        if has_sources(event) or choices[0].get("message"):
            return False
        delta = choices[0].get("delta")
        text = delta.get("content") if isinstance(delta, dict) else None
        return isinstance(text, str) and text != "" and not choices[0].get("finish_reason")

    def take_plain(self, call: int, texts: Sequence[str]) -> int:  # noqa: ARG002
        """Take texts of the choice that was fed last."""
        self._said_last.go_on(texts)
        return 0

    def _indexes(self, call: int) -> list[int]:
        return [choice.index for choice in self._calls[call]]

    def _take(self, call: int, piece: object) -> list[Json]:
        if not isinstance(piece, dict):
            raise malformed("a choice is not an object")
        position = piece.get("index")
        if position is None:
            position = 0
        if type(position) is not int or not 0 <= position < self._plan.per_call:
            return []
        chunks = self._open(self._plan.prompt_of(call))
        choice = self._calls[call][position]
        was_finished = choice.finished
        for each in choice.said.take(piece):
            chosen = choice.take(each, self._report)
            if chosen is not None:
                chunks.append(self._chunk([chosen]))
        self._said_last = choice.said
        if choice.finished and not was_finished:
            self._unfinished[call] -= 1
            self._cut_short[call] = self._cut_short[call] or choice.cut_short
        return chunks

    def _open(self, prompt: int) -> list[Json]:
        """Return the chunks that echo a prompt, one per choice, the first time only."""
        plan = self._plan
        if prompt in self._opened:
            return []
        self._opened.add(prompt)
        text = plan.prompts[prompt].text
        if not plan.echo or not text:
            return []
        indexes = [choice_index(prompt, position, plan.n) for position in range(plan.n)]
        return [self._chunk([_chunk_choice(index, text)]) for index in indexes]

    def _chunk(self, choices: list[Json]) -> Json:
        chunk: Json = {**self._identity.fields(), "choices": choices}
        if self._plan.include_usage:
            chunk["usage"] = None
        return chunk


class _Identity:
    """The fields that are the same in all chunks: whatever upstream says first is pinned.

    Servers exist that change the id, or stamp each chunk with its own time.
    """

    def __init__(self, context: Context, *, keeps_id: bool) -> None:
        self._context = context
        self._names = ("id", "created", "model") if keeps_id else ("created", "model")
        self._seen: Json = {}
        self._pinned: Json | None = None

    def note(self, event: Json) -> None:
        """Take what a chunk says of itself; empty values (Azure's first chunk) say nothing."""
        for name in self._names:
            if event.get(name):
                self._seen.setdefault(name, event[name])
        fingerprint = event.get("system_fingerprint")
        if isinstance(fingerprint, str):
            self._seen.setdefault("system_fingerprint", fingerprint)

    def fields(self) -> Json:
        """Return the fields for the next chunk; from now on they stay."""
        seen = self._seen
        if self._pinned is None:
            self._pinned = {
                "id": swap_id(seen.get("id"), Shape.COMPLETIONS, self._context),
                "object": "text_completion",
                "created": created(seen.get("created"), self._context),
                "model": model_name(seen.get("model"), self._context),
            }
        if "system_fingerprint" in seen:
            # It may come late: vLLM sends it with the last chunk only.
            self._pinned["system_fingerprint"] = seen["system_fingerprint"]
        return self._pinned


class _Choice:
    """What is known of one choice between two of its chunks."""

    def __init__(self, plan: Plan, call: int, position: int, context: Context) -> None:
        self.index = plan.client_index(call, position)
        self.said = ChoiceDeltas()
        self.finished = False
        self.cut_short = False
        """Whether the gateway found a stop sequence while the upstream still generates."""
        self._has_content = False
        """Whether there has been text that is no refusal's: one that follows is told apart."""
        self._has_text = False
        self._logprobs = legacy_logprobs(plan, plan.prompt_of(call), context)
        self._scanner = StopScanner(plan.stops) if plan.stops else None
        self._aligner = Aligner()

    def take(self, piece: Json, report: Report) -> Json | None:
        """Take this choice's part of a chunk; return that of the client's chunk, if any.

        What comes after the finish is ignored, but for what is cited.
        """
        delta = piece.get("delta")
        if delta is None:
            delta = {}
        if not isinstance(delta, dict):
            raise malformed("a 'delta' is not an object")
        if self.finished:
            cited = cited_late(delta)
            return {**_chunk_choice(self.index, ""), **cited} if cited else None
        word = piece.get("finish_reason") or None
        more = beside_text(delta, after_text=self._has_content) | sources_within(piece)
        text = "" if "refusal" in more and not delta.get("content") else visible_text(delta)
        entries = self._entries(piece, delta, text)
        refused = delta.get("refusal") and not delta.get("content")
        self._has_content = self._has_content or bool(text and not refused)
        self._has_text = self._has_text or bool(text or more)
        if self._scanner is not None:
            text, entries = self._scan(self._scanner, text, entries, last=word is not None)
        reason = self._reason(word, report)
        if not (text or entries or more) and reason is None:
            return None
        converted = self._logprobs.convert(entries) if self._logprobs and entries else None
        said = with_native(more, native_word(piece) if reason is not None else None)
        return {**_chunk_choice(self.index, text, converted, reason), **said}

    def _entries(self, piece: Json, delta: Json, text: str) -> list[Json]:
        """Return the logprobs of the visible text: those of reasoning would name its tokens."""
        if self._logprobs is None or (not text and any(delta.get(name) for name in _HIDDEN)):
            return []
        return logprob_entries(piece) or []

    def _scan(
        self, scanner: StopScanner, text: str, entries: list[Json], *, last: bool
    ) -> tuple[str, list[Json]]:
        safe = scanner.feed(text)
        if scanner.found is not None:
            self.cut_short = not last
            return safe, self._aligner.release(entries, safe)
        if last:
            return safe + scanner.flush(), self._aligner.release_all(entries)
        return safe, self._aligner.release(entries, safe)

    def _reason(self, word: object, report: Report) -> str | None:
        found = self._scanner is not None and self._scanner.found is not None
        if not found and word is None:
            return None
        self.finished = True
        return "stop" if found else client_finish_reason(word, report, has_text=self._has_text)


def _chunk_choice(
    index: int, text: str, logprobs: Json | None = None, reason: str | None = None
) -> Json:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}
