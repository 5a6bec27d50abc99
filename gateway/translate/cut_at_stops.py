"""Stop sequences that the gateway looks for in replies of the client's own shape.

For requests that are not translated, to models or servers that do not take their `stop`. The rest
of the reply is left unchanged, unknown fields included.
"""

from collections.abc import Sequence

from gateway.errors import GatewayError
from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat.extra_fields import extra_fields
from gateway.translate.contract import Report, StreamTranslation, Translation
from gateway.translate.parts.finish_reasons import ending_word
from gateway.translate.parts.tokens.logprobs import Aligner, label_bytes
from gateway.translate.parts.tokens.visible_tokens import range_of_text, reasoning_text
from gateway.translate.parts.tools.calls import has_calls
from gateway.translate.stream.choice_deltas import ChoiceDeltas, is_whole
from gateway.translate.stream.reply_choices import index_in
from gateway.translate.stream.stops import StopScanner

_MOST_CHOICES = 4096
"""How many choices of one stream are read: those with a higher index were not requested."""

_CALLS = ("tool_calls", "function_call")
_LISTS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")


class CutAtStops:
    """A translation between equal shapes whose replies are cut at stop sequences."""

    def __init__(self, inner: Translation, shape: Shape, body: Json, stops: Sequence[str]) -> None:
        self._inner = inner
        self._shape = shape
        self._stops = stops
        self._needs_end = _wants_end(body)
        self._choices = _choices_of(body)

    @property
    def report(self) -> Report:
        """The inner translation's report."""
        return self._inner.report

    @property
    def calls(self) -> Sequence[Json]:
        """The inner translation's calls."""
        return self._inner.calls

    def local_reply(self) -> Json | None:
        """Return None: the upstream answers."""
        return None

    def reply(self, replies: Sequence[Json]) -> Json:
        """Return the inner translation's reply with its texts cut; raises its errors."""
        reply = self._inner.reply(replies)
        choices = reply.get("choices")
        if not isinstance(choices, list):
            return reply
        place = "message" if self._shape is Shape.CHAT else None
        cut = [_Choice(self._stops).take(choice, place, last=True) for choice in choices]
        return {**reply, "choices": cut}

    def stream(self) -> StreamTranslation:
        """Return the inner stream folder, with the texts of its events cut."""
        early = self._choices if not self._needs_end and len(self.calls) == 1 else 0
        return _CutStream(self._inner.stream(), self._shape, self._stops, early)

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the inner translation's name of a parameter."""
        return self._inner.client_param(call, param)


def _wants_end(body: Json) -> bool:
    """Whether the client asks for what follows the choices: the usage, or a moderation."""
    options = body.get("stream_options")
    wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))
    return wants_usage or body.get("moderation") is not None


def _choices_of(body: Json) -> int:
    """Return how many choices a request asks for; 0: unknown."""
    n, prompt = body.get("n") or 1, body.get("prompt")
    if not isinstance(n, int):
        return 0
    several = isinstance(prompt, list) and prompt and not isinstance(prompt[0], int)
    return n * len(prompt) if isinstance(prompt, list) and several else n


class _CutStream(StreamTranslation):
    """`early` is the number of choices after which the rest is not needed; 0: all is needed."""

    def __init__(
        self, inner: StreamTranslation, shape: Shape, stops: Sequence[str], early: int
    ) -> None:
        self._inner = inner
        self._place = "delta" if shape is Shape.CHAT else None
        self._stops = stops
        self._early = early
        self._choices: dict[int, _Choice] = {}

    def feed(self, call: int, event: Json) -> list[Json]:
        return self._cut(self._inner.feed(call, event))

    def end(self, call: int) -> list[Json]:
        # The rest of the upstream's stream was not waited for.
        return [] if self._is_enough() else self._cut(self._inner.end(call))

    def fail(self, error: GatewayError) -> list[Json]:
        return self._inner.fail(error)

    def satisfied(self, call: int) -> bool:
        return self._inner.satisfied(call) or self._is_enough()

    def _is_enough(self) -> bool:
        cut = [choice.cut for choice in self._choices.values() if choice.finished]
        return any(cut) and len(cut) == self._early

    def _cut(self, events: Sequence[Json]) -> list[Json]:
        return [cut for event in events if (cut := self._event(event)) is not None]

    def _event(self, event: Json) -> Json | None:
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices:
            return event
        kept = [taken for choice in choices for taken in self._take(choice)]
        return {**event, "choices": kept} if kept or event.get("usage") else None

    def _take(self, choice: object) -> Sequence[object]:
        index = index_in(choice) or 0 if isinstance(choice, dict) else 0
        if not isinstance(choice, dict) or not 0 <= index < _MOST_CHOICES:
            return (choice,)
        known = self._choices.get(index)
        if known is None:
            known = self._choices[index] = _Choice(self._stops)
        return known.take_all(choice, self._place)


class _Choice:
    """One choice, whole or in pieces; text that may become a stop sequence is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._scanner = StopScanner(stops)
        self._aligner = Aligner()
        self._deltas = ChoiceDeltas()
        self._form: Json | None = None
        """The form of the last logprobs, for entries that wait for their text and are shown
        later."""
        self._has_calls = False
        self.finished = False

    @property
    def cut(self) -> bool:
        """Whether a stop sequence was found."""
        return self._scanner.found is not None

    def take_all(self, choice: Json, place: str | None) -> list[object]:
        """Return the visible part of a choice of an event, which may have a whole message."""
        taken: list[object] = []
        for piece in self._deltas.take(choice):
            kept, delta = piece, piece.get("delta")
            if isinstance(delta, dict):
                if is_whole(piece):
                    delta = _without(delta, _CALLS) if self._has_calls else delta
                    kept = {**_without(piece, ("message",)), "delta": delta}
                self._has_calls = self._has_calls or any(
                    has_calls(delta.get(name)) for name in _CALLS
                )
            shown = self.take(kept, place)
            taken += [] if shown is None else [shown]
        return taken

    def take(self, choice: object, place: str | None, *, last: bool = False) -> object | None:
        """Return the visible part of a choice; None: there is none.

        `place` names the object within the choice that has its text (`message`, `delta`); None: the
        choice has its text itself.
        """
        if not isinstance(choice, dict):
            return choice
        last = last or ending_word(choice) is not None
        message = choice.get(place) if place else choice
        if last and not message and self._scanner.waits:
            # Azure's last delta is null, that of relays in PHP a list.
            message = {}
        if not isinstance(message, dict):
            return choice
        if not self._goes_on():
            return _beside(choice, message, place)
        key = "content" if place else "text"
        text = message.get(key)
        shown = self._scanner.feed(text) if isinstance(text, str) else ""
        if last and not self.cut:
            shown += self._scanner.flush()
        self.finished = self.finished or last or self.cut
        logprobs = self._visible(choice, message, shown, last=last)
        held_back = isinstance(text, str) and text != "" and not shown
        left = _without(message, (key,)) if held_back else dict(message)
        if shown or (held_back and self.cut):
            left[key] = shown
        if self.cut:
            left = _without(left, _CALLS)
        return self._shown(choice, place, left, logprobs)

    def _goes_on(self) -> bool:
        """Whether more text is shown: a server may go on after a finish reason.

        A search for stop sequences then begins anew.
        """
        if self.finished and not self.cut:
            self._scanner, self._aligner = StopScanner(self._stops), Aligner()
        return not self.cut

    def _shown(self, choice: Json, place: str | None, left: Json, logprobs: object) -> Json | None:
        taken = {**choice, place: left} if place else left
        if "logprobs" in choice or logprobs:
            taken["logprobs"] = logprobs
        if self.cut:
            taken["finish_reason"] = "stop"
        says = left if place else left.get("text")
        return taken if says or self.finished or logprobs else None

    def _visible(self, choice: Json, message: Json, shown: str, *, last: bool) -> object:
        """Return the logprobs of the text that is shown, also those that have waited for it."""
        given = choice.get("logprobs")
        entries = _entries(given) if isinstance(given, dict) else []
        if entries and isinstance(given, dict):
            self._form = _joined(given, [])
        if self._form is None:
            return given
        hidden = _hidden_tokens(message, entries)
        if last and not self.cut:
            released = self._aligner.release_all(entries[hidden:])
        else:
            released = self._aligner.release(entries[hidden:], shown)
        released = entries[:hidden] + released
        return _joined(self._form, released) if released else None


def _beside(choice: Json, message: Json, place: str | None) -> Json | None:
    """Return a choice with only the fields beside its text, such as citations, or None."""
    more = extra_fields(message, has_content=True)
    if not more:
        return None
    shown = {place: more} if place else {"text": "", **more}
    return {"index": choice.get("index", 0), **shown, "logprobs": None, "finish_reason": None}


def _hidden_tokens(message: Json, entries: Sequence[Json]) -> int:
    """Return how many entries are tokens of reasoning, which is shown at once, without a search."""
    reasoning, text = reasoning_text(message), message.get("content")
    if not reasoning:
        return 0
    return range_of_text(entries, text if isinstance(text, str) else "", reasoning)[0]


def _without(options: Json, names: Sequence[str]) -> Json:
    return {name: value for name, value in options.items() if name not in names}


def _entries(logprobs: Json) -> list[Json]:
    """Return one entry per token: chat's, or one made of the lists of completions."""
    content = logprobs.get("content")
    if isinstance(content, list):
        return [entry for entry in content if isinstance(entry, dict) and "token" in entry]
    tokens = logprobs.get("tokens")
    if not isinstance(tokens, list):
        return []
    lists = {name: logprobs[name] for name in _LISTS if isinstance(logprobs.get(name), list)}
    return [
        {
            "bytes": list(label_bytes(token)),
            **{name: of[i] for name, of in lists.items() if i < len(of)},
        }
        for i, token in enumerate(tokens)
        if isinstance(token, str)
    ]


def _joined(logprobs: Json, entries: Sequence[Json]) -> Json:
    """Return `logprobs` with `entries` in place of its own, in the same form."""
    if isinstance(logprobs.get("content"), list):
        return {**logprobs, "content": list(entries)}
    lists = {
        name: [entry[name] for entry in entries if name in entry]
        for name in _LISTS
        if isinstance(logprobs.get(name), list)
    }
    return {**logprobs, **lists}
