"""Two translations in a row, with chat as the pivot: from and to completions.

The outer one knows the client, the inner ones the upstream; between them everything is chat. Each
chat request of the outer one is a client request to an inner one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.errors import GatewayError, InvalidRequest, UpstreamReplied
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.tokens.ids import KNOWN_IDS

Translate = Callable[[Json, Context], Translation]

_OF_TYPE = re.compile(r" is of type '([^'\n]{0,100})'")
_OF_RESPONSES = {"image_url": "input_image", "file": "input_file"}
"""The part types of responses, by those of chat."""
_STEPS = re.compile(r"[^.\[\]]+")


def compose(
    outer: Translate, inner: Translate, body: Json, context: Context, home: Shape
) -> Translation:
    """Translate a request for a model at `home` through chat.

    Raises the errors of both translations, in the client's terms.
    """
    try:
        first = outer(body, pivot_context(context))
    except InvalidRequest as error:
        raise _of_upstream(error, home) from None
    seconds: list[Translation] = []
    for position, call in enumerate(first.calls):
        try:
            seconds.append(inner(call, context))
        except InvalidRequest as error:
            named = error.renamed(first.client_param(position, error.param))
            raise _of_clients_type(named, body, context) from None
    return Composed(first, seconds, home)


def pivot_context(context: Context) -> Context:
    """Return the outer translation's context: its upstream is the inner translation."""
    if context.pivot is None:
        # The inner translation maps token ids, once.
        context.pivot = replace(
            context,
            capabilities=_pivot_capabilities(context.capabilities),
            token_ids=KNOWN_IDS,
            is_pivot=True,
        )
    return context.pivot


def _pivot_capabilities(upstream: Capabilities) -> Capabilities:
    """Return the pivot's capabilities: nearly all, as the inner translation judges again.

    What the inner translation emulates (`n`, too many stops) must not be emulated twice. But if the
    upstream takes no stops at all, the outer one scans for them: it can then end the call early,
    which the inner one cannot while the outer one waits for the usage. Logprobs are not emulated:
    the outer one must know whether there are any, to choose the best of several texts. Inner
    translations pass on neither earlier reasoning nor sealed state, so the outer one drops and
    reports them.
    """
    return replace(
        Capabilities(),
        stop=upstream.stop,
        max_stops=64,
        logprobs=upstream.logprobs,
        max_top_logprobs=upstream.max_top_logprobs,
        reasoning=upstream.reasoning,
        strict_params=upstream.strict_params,
        context_length=upstream.context_length,
        max_tokens_field="max_completion_tokens",
        hints=False,
        continues_last=True,
        reasoning_field=None,
        takes_back=False,
    )


def _of_upstream(error: InvalidRequest, home: Shape) -> InvalidRequest:
    """Name the model's endpoint in an error that names the pivot's."""
    message = error.message.replace("chat endpoint", f"{home} endpoint")
    return type(error)(message, param=error.param, code=error.code, status=error.status)


def _of_clients_type(error: InvalidRequest, body: Json, context: Context) -> InvalidRequest:
    """Put the client's type of a part (`image`) in place of the pivot's in an error."""
    kind = _OF_TYPE.search(error.message)
    if kind is None:
        return error
    if context.items is None:
        part = _value_at(body, error.param or "")
        own = part.get("type") if isinstance(part, dict) else None
    else:
        # The path is not one of this body, to which the gateway has added items.
        own = _OF_RESPONSES.get(kind[1])
    if not isinstance(own, str):
        return error
    message = f"{error.message[: kind.start(1)]}{own[:100]}{error.message[kind.end(1) :]}"
    return type(error)(message, param=error.param, code=error.code, status=error.status)


def _value_at(body: Json, path: str) -> object:
    """Return the value at a parameter's path (`messages[0].content[1]`), or None."""
    value: object = body
    for step in _STEPS.findall(path):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


class Composed:
    """An outer translation, with an inner one for each of its calls."""

    def __init__(self, outer: Translation, inners: Sequence[Translation], home: Shape) -> None:
        self._outer = outer
        self._inners = inners
        self._places = [
            (position, call)
            for position, inner in enumerate(inners)
            for call in range(len(inner.calls))
        ]
        self.calls: Sequence[Json] = [call for inner in inners for call in inner.calls]
        self._report = Report(outer.report.source, home, body=outer.report.body)

    @property
    def report(self) -> Report:
        """Both translations' reports in the client's names, with entries that callers add."""
        outer, merged = self._outer.report, self._report
        for entry in outer.dropped:
            merged.drop(entry)
        for entry in outer.emulated:
            merged.emulate(entry)
        for position, inner in enumerate(self._inners):
            for entry in inner.report.dropped:
                merged.drop(self._renamed(position, entry))
            for entry in inner.report.emulated:
                merged.emulate(self._renamed(position, entry))
        for entry in self._changed():
            if entry not in merged.changed:
                merged.changed.append(entry)
        return merged

    def _changed(self) -> list[str]:
        """Return the changes of both; a value changed twice has one entry.

        A parameter that the inner translation drops has none.
        """
        changed = list(self._outer.report.changed)
        again: dict[str, None] = {}
        dropped: set[str] = set()
        for position, inner in enumerate(self._inners):
            dropped |= {self._renamed(position, entry) for entry in inner.report.dropped}
            for entry in inner.report.changed:
                name, separator, rest = entry.partition(":")
                again[f"{self._renamed(position, name)}{separator}{rest}"] = None
        for entry in again:
            _follow(changed, entry)
        return [entry for entry in changed if entry.partition(":")[0] not in dropped]

    def local_reply(self) -> Json | None:
        """Return the outer translation's own reply, if it makes no call."""
        return self._outer.local_reply()

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the replies through both; raises the errors of both, in the client's terms."""
        folded: list[Json] = []
        start = 0
        for position, inner in enumerate(self._inners):
            end = start + len(inner.calls)
            try:
                folded.append(inner.reply(replies[start:end]))
            except UpstreamReplied as error:
                error.param = self._outer.client_param(position, error.param)
                raise
            start = end
        return self._outer.reply(folded)

    def stream(self) -> StreamTranslation:
        """Return the stream fold through both."""
        inners = [inner.stream() for inner in self._inners]
        return _ComposedStream(self._outer, self._outer.stream(), inners, self._places)

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of an upstream parameter, through the pivot's name."""
        position, inner_call = self._places[call]
        return self._outer.client_param(
            position, self._inners[position].client_param(inner_call, param)
        )

    def _renamed(self, position: int, name: str) -> str:
        return self._outer.client_param(position, name) or name


def _follow(changed: list[str], entry: str) -> None:
    """Add a change; if it changes the new value of an earlier change, join the two."""
    name, _, values = entry.partition(":")
    old, arrow, new = values.partition("->")
    for position, known in enumerate(changed):
        if arrow and known.startswith(f"{name}:") and known.endswith(f"->{old}"):
            changed[position] = f"{known.removesuffix(old)}{new}"
            return
    if entry not in changed:
        changed.append(entry)


class _ComposedStream(StreamTranslation):
    def __init__(
        self,
        translation: Translation,
        outer: StreamTranslation,
        inners: Sequence[StreamTranslation],
        places: Sequence[tuple[int, int]],
    ) -> None:
        self._translation = translation
        self._outer = outer
        self._inners = inners
        self._places = places
        self._open = [0] * len(inners)
        for position, _ in places:
            self._open[position] += 1

    def feed(self, call: int, event: Json) -> list[Json]:
        position, inner_call = self._places[call]
        try:
            chat_events = self._inners[position].feed(inner_call, event)
        except UpstreamReplied as error:
            error.param = self._translation.client_param(position, error.param)
            raise
        return self._through(position, chat_events)

    def end(self, call: int) -> list[Json]:
        position, inner_call = self._places[call]
        events: list[Json] = []
        if not self._outer.satisfied(position):
            events = self._through(position, self._inners[position].end(inner_call))
        self._open[position] -= 1
        if self._open[position] == 0:
            events += self._outer.end(position)
        return events

    def fail(self, error: GatewayError) -> list[Json]:
        return self._outer.fail(error)

    def ping(self) -> list[Json]:
        return self._outer.ping()

    def satisfied(self, call: int) -> bool:
        position, inner_call = self._places[call]
        return self._outer.satisfied(position) or self._inners[position].satisfied(inner_call)

    @property
    def passes_text(self) -> bool:
        return self._outer.passes_text and all(inner.passes_text for inner in self._inners)

    def _through(self, position: int, chat_events: Sequence[Json]) -> list[Json]:
        events: list[Json] = []
        for event in chat_events:
            if self._outer.satisfied(position):
                break
            events += self._outer.feed(position, event)
        return events
