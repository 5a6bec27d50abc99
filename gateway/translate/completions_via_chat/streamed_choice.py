"""One choice of a chat stream as chunks of a completions stream."""

from typing import Final

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.completions_via_chat.extra_fields import extra_fields
from gateway.translate.completions_via_chat.reply import (
    client_finish_reason,
    content_of,
    legacy_logprobs,
    logprob_entries,
    transcript_of,
)
from gateway.translate.completions_via_chat.request import Plan
from gateway.translate.contract import Context, Report
from gateway.translate.parts.content.sources import sources_within
from gateway.translate.parts.content.texts import refusal_in
from gateway.translate.parts.finish_reasons import (
    ending_word,
    finish_reason,
    native_word,
    with_native,
)
from gateway.translate.parts.tokens.logprobs import Aligner
from gateway.translate.parts.tokens.visible_tokens import visible_entries
from gateway.translate.parts.upstream_errors import malformed_chat
from gateway.translate.stream.choice_deltas import ChoiceDeltas
from gateway.translate.stream.reply_choices import delta_of
from gateway.translate.stream.stops import StopScanner

MAX_HELD_CHARACTERS: Final = 32 * 1024 * 1024
"""The longest text, in characters, that is held back."""

_Content = tuple[str, list[Json], Json]
"""A text, its logprobs, and further fields of the choice."""
_NOTHING: Final[_Content] = ("", [], {})


class StreamedChoice:
    """The state of one choice between its chunks.

    A refusal or a transcript is the text only if there is no content. So it is held until the end,
    or until content comes; a refusal is then sent beside the content. The finish reason and the
    last text wait for the end of the stream, because servers send more after the finish reason.
    """

    def __init__(self, plan: Plan, call: int, position: int, context: Context) -> None:
        self.index = plan.client_index(call, position)
        self.deltas = ChoiceDeltas()
        self.finished = False
        """Whether the client has the finish reason of the choice."""
        self.cut_short = False
        """Whether the gateway found a stop sequence while the upstream still generates."""
        self._word: object = None
        self._native: str | None = None
        self._has_content = False
        self._has_text = False
        self._refusal = _Held()
        self._transcript = _Held()
        self._last = _NOTHING
        self._numbers_lists = context.is_pivot
        """Whether list entries in deltas have an `index`, which completions clients do not need."""
        self._logprobs = legacy_logprobs(plan, plan.prompt_of(call), context)
        self._scanner = StopScanner(plan.stops) if plan.stops else None
        self._aligner = Aligner()

    @property
    def has_ended(self) -> bool:
        """Whether the choice has a finish reason, from the upstream or from the gateway."""
        return self.finished or self._word is not None

    def take(self, piece: Json) -> list[Json]:
        """Take this choice's part of an upstream chunk; return its parts of the client's chunks.

        After a stop sequence only fields beside the text count. Raises `UpstreamError` for an
        invalid part, and for a failure of the generation.
        """
        delta = delta_of(piece)
        if self._numbers_lists:
            delta = {name: _unnumbered(value) for name, value in delta.items()}
        if self.finished:
            return self._late(delta)
        if self._word is None and (word := ending_word(piece)) is not None:
            self._word, self._native = word, native_word(piece)
            # Raises at once if the word is that of a failure.
            finish_reason(word, has_text=True)
        shown, content = self._read(piece, delta)
        if self._word is None:
            return shown + self._show(content)
        if content == _NOTHING:
            return shown
        shown, self._last = self._show(self._last) + shown, content
        return shown + self._late(delta) if self._is_cut() else shown

    def finish(self, report: Report) -> list[Json]:
        """Return the last chunk, at the end of the stream; none if the client has it already.

        Raises `UpstreamError` if the upstream's word is unknown and there is nothing to show.
        """
        if self.finished:
            return []
        text, entries, more = self._last
        if not self._has_content:
            held = self._refusal or self._transcript
            text, entries = held.text, entries + held.entries
        self._has_text = self._has_text or bool(text)
        text, entries, is_cut = self._scan(text, entries)
        if is_cut:
            return [{**self._chunk(text, entries, "stop"), **more}]
        if self._scanner is not None:
            text, entries = text + self._scanner.flush(), entries + self._aligner.release_all([])
        self.finished = True
        reason = client_finish_reason(self._word, report, has_text=self._has_text)
        return [with_native({**self._chunk(text, entries, reason), **more}, self._native)]

    def _read(self, piece: Json, delta: Json) -> tuple[list[Json], _Content]:
        """Return the chunks that the delta releases, and the delta's own content."""
        text = content_of(delta)
        entries = self._entries(piece, delta, text)
        shown = self._release_refusal() if text else []
        more = extra_fields(delta, has_content=self._has_content) | sources_within(piece)
        if not text and not self._has_content:
            entries = self._hold(delta, entries)
        elif not text and refusal_in(delta):
            # The logprobs are those of the refusal.
            entries = []
        self._has_text = self._has_text or bool(text or more)
        return shown, (text, entries, more)

    def _show(self, content: _Content) -> list[Json]:
        text, entries, more = content
        text, entries, is_cut = self._scan(text, entries)
        if not (text or entries or more or is_cut):
            return []
        return [{**self._chunk(text, entries, "stop" if is_cut else None), **more}]

    def _late(self, delta: Json) -> list[Json]:
        more = extra_fields(delta, has_content=self._has_content)
        return [{**chunk_choice(self.index, ""), **more}] if more else []

    def _hold(self, delta: Json, entries: list[Json]) -> list[Json]:
        """Hold back a refusal or a transcript; return the logprobs that need not wait."""
        refusal, transcript = refusal_in(delta), transcript_of(delta)
        if not refusal and not transcript:
            return entries
        held = self._refusal if refusal else self._transcript
        held.add(refusal or transcript, entries)
        return []

    def _release_refusal(self) -> list[Json]:
        """Return the chunk of a refusal that came before the first content."""
        self._has_content = True
        self._transcript = _Held()
        if not self._refusal:
            return []
        refusal, self._refusal = self._refusal.text, _Held()
        return [{**chunk_choice(self.index, ""), "refusal": refusal}]

    def _entries(self, piece: Json, delta: Json, text: str) -> list[Json]:
        """Return the logprobs of the visible text; logprobs of reasoning would reveal it."""
        if self._logprobs is None:
            return []
        return visible_entries(delta, text, logprob_entries(piece) or [])

    def _scan(self, text: str, entries: list[Json]) -> tuple[str, list[Json], bool]:
        """Return the text and logprobs to show, and whether a stop sequence ended the text."""
        if self._scanner is None:
            return text, entries, False
        safe, is_cut = self._scanner.feed(text), self._is_cut()
        if is_cut:
            self.finished = True
            self.cut_short = self._word is None
        return safe, self._aligner.release(entries, safe), is_cut

    def _is_cut(self) -> bool:
        return self._scanner is not None and self._scanner.found is not None

    def _chunk(self, text: str, entries: list[Json], reason: str | None) -> Json:
        converted = self._logprobs.convert(entries) if self._logprobs and entries else None
        return chunk_choice(self.index, text, converted, reason)


class _Held:
    """A text that is held back, with its logprobs."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self.entries: list[Json] = []

    def __bool__(self) -> bool:
        return bool(self._pieces)

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def add(self, text: object, entries: list[Json]) -> None:
        if not isinstance(text, str):
            raise malformed_chat("a message's content is not text")
        self._length += len(text)
        if self._length > MAX_HELD_CHARACTERS:
            raise UpstreamError(
                f"The upstream's reply has a refusal of more than {MAX_HELD_CHARACTERS} "
                "characters. Limit it with 'max_tokens'."
            )
        self._pieces.append(text)
        self.entries += entries


def _unnumbered(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [
        {name: inner for name, inner in each.items() if name != "index"}
        if isinstance(each, dict)
        else each
        for each in value
    ]


def chunk_choice(
    index: int, text: str, logprobs: Json | None = None, reason: str | None = None
) -> Json:
    """Return a choice of a completions chunk."""
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}
