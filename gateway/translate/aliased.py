"""Errors name a model as the client does, even if the upstream knows it under another name.

Upstreams use the model's name as sent, for instance when they refuse a value beyond its limits. A
client that knows only an alias cannot make sense of that name.
"""

from collections.abc import Sequence
from typing import Final

from gateway.errors import GatewayError, UpstreamError
from gateway.shapes import ItemNames, Json
from gateway.translate.contract import Context, StreamTranslation, Translation
from gateway.translate.parts.model_names import ModelNames, name_as_asked
from gateway.translate.parts.upstream_errors import bare_error
from gateway.translate.renaming import Renaming
from gateway.translate.wrapped import WrappedStream, WrappedTranslation

_TEXTS: Final = ("error", "message")
"""The fields of an error event that have texts: NestJS and Spring send a `message` beside
`error`."""


def aliased(translation: Translation, context: Context) -> Translation:
    """Return a translation whose errors have the client's name of the model.

    The report gets both names. If they are the same, the translation is returned as it is.
    """
    names = ModelNames.of(context.model_sent, context.model_asked)
    if names is None:
        return translation
    translation.report.models = names
    return Aliased(translation, names)


class Aliased(WrappedTranslation):
    """A translation whose errors name the model as the client does (a `Translation`)."""

    def __init__(self, translation: Translation, names: ModelNames) -> None:
        super().__init__(translation)
        self._names = names
        self._passes_errors = translation.report.source is translation.report.target
        """Whether errors within a success are passed on as they came."""
        self.items: ItemNames | None = None
        """The client's names for the items that are sent; None: none of them has moved."""
        if isinstance(translation, Renaming):
            self.items = translation.items

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the replies; raises `UpstreamError`."""
        try:
            reply = self._translation.reply(replies)
        except UpstreamError as error:
            name_as_asked(error, self._names)
            raise
        return _error_named(reply, self._names) if self._passes_errors else reply

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        stream = self._translation.stream()
        return _AliasedStream(stream, self._names, passes_errors=self._passes_errors)


class _AliasedStream(WrappedStream):
    def __init__(
        self, stream: StreamTranslation, names: ModelNames, *, passes_errors: bool
    ) -> None:
        super().__init__(stream)
        self._names = names
        self._passes_errors = passes_errors

    def feed(self, call: int, event: Json) -> list[Json]:
        if self._passes_errors:
            event = _error_named(event, self._names)
        try:
            return self._stream.feed(call, event)
        except UpstreamError as error:
            name_as_asked(error, self._names)
            raise

    def end(self, call: int) -> list[Json]:
        try:
            return self._stream.end(call)
        except UpstreamError as error:
            name_as_asked(error, self._names)
            raise

    def fail(self, error: GatewayError) -> list[Json]:
        name_as_asked(error, self._names)
        return self._stream.fail(error)


def _error_named(event: Json, names: ModelNames) -> Json:
    """Return an event or a reply with the client's name of the model in its errors.

    Errors are found in any envelope. No other text is changed: the model's own words may contain
    its name, too.
    """
    for outer in ("response", "x_groq"):
        inner = event.get(outer)
        if isinstance(inner, dict) and inner.get("error"):
            return {**event, outer: _error_named(inner, names)}
    choices = event.get("choices")
    if isinstance(choices, list) and any(map(_has_error, choices)):
        named = [_error_named(each, names) if isinstance(each, dict) else each for each in choices]
        return {**event, "choices": named}
    if event.get("error"):
        texts: Json = {name: names.in_texts(event[name]) for name in _TEXTS if name in event}
        return {**event, **texts}
    shown: Json = names.in_texts(event) if _is_error(event) else event
    return shown


def _has_error(choice: object) -> bool:
    return isinstance(choice, dict) and bool(choice.get("error"))


def _is_error(event: Json) -> bool:
    """Whether an event without an `error` field is itself an error, which may be only a text."""
    kind = event.get("type")
    return "error" in (kind, event.get("object")) or (
        kind is None and bare_error(event) is not None
    )
