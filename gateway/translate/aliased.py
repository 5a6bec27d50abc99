"""Errors about a model that the client asks for under another name, in that name.

Upstreams name the model as sent, in refusals of its limits for instance, which says nothing to a
client that knows an alias.
"""

from collections.abc import Sequence

from gateway.errors import GatewayError, UpstreamError
from gateway.shapes import ItemNames, Json
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.parts.model_names import ModelNames
from gateway.translate.renaming import Renaming


def names_of(context: Context) -> ModelNames | None:
    """Return the names of a model that is asked for by another than is sent; None: by the same."""
    sent, asked = context.model_sent, context.model_asked
    return ModelNames(sent, asked) if sent and sent != asked else None


def aliased(translation: Translation, context: Context) -> Translation:
    """Return a translation whose errors have the client's name of the model; notes the names."""
    names = names_of(context)
    if names is None:
        return translation
    translation.report.models = names
    return Aliased(translation, names)


class Aliased:
    """A translation, but for the model's name in errors (a `Translation`)."""

    def __init__(self, translation: Translation, names: ModelNames) -> None:
        self._translation = translation
        self._names = names
        self._passes_errors = translation.report.source is translation.report.target
        """Whether errors within a success are passed on as they came."""
        self.items: ItemNames | None = None
        """The client's names of the items that are sent; None: they have not moved."""
        if isinstance(translation, Renaming):
            self.items = translation.items

    @property
    def report(self) -> Report:
        """The translation's report."""
        return self._translation.report

    @property
    def calls(self) -> Sequence[Json]:
        """The translation's calls."""
        return self._translation.calls

    def local_reply(self) -> Json | None:
        """Return the translation's own reply."""
        return self._translation.local_reply()

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the replies; raises `UpstreamError`."""
        try:
            reply = self._translation.reply(replies)
        except UpstreamError as error:
            _name(error, self._names)
            raise
        return _error_named(reply, self._names) if self._passes_errors else reply

    def stream(self) -> StreamTranslation:
        """Return the stream folder."""
        stream = self._translation.stream()
        return _AliasedStream(stream, self._names, passes_errors=self._passes_errors)

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter."""
        return self._translation.client_param(call, param)


class _AliasedStream(StreamTranslation):
    def __init__(
        self, stream: StreamTranslation, names: ModelNames, *, passes_errors: bool
    ) -> None:
        self._stream = stream
        self._names = names
        self._passes_errors = passes_errors

    def feed(self, call: int, event: Json) -> list[Json]:
        if self._passes_errors:
            event = _error_named(event, self._names)
        try:
            return self._stream.feed(call, event)
        except UpstreamError as error:
            _name(error, self._names)
            raise

    def end(self, call: int) -> list[Json]:
        try:
            return self._stream.end(call)
        except UpstreamError as error:
            _name(error, self._names)
            raise

    def fail(self, error: GatewayError) -> list[Json]:
        if isinstance(error, UpstreamError):
            _name(error, self._names)
        return self._stream.fail(error)

    def ping(self) -> list[Json]:
        return self._stream.ping()

    def satisfied(self, call: int) -> bool:
        return self._stream.satisfied(call)

    @property
    def passes_text(self) -> bool:
        return self._stream.passes_text


def _name(error: UpstreamError, names: ModelNames) -> None:
    error.message = names.in_clients(error.message)


def _error_named(event: Json, names: ModelNames) -> Json:
    """Return an event, or a reply, with the client's name in its errors, in any envelope."""
    for outer in ("response", "x_groq"):
        inner = event.get(outer)
        if isinstance(inner, dict) and inner.get("error"):
            return {**event, outer: _error_named(inner, names)}
    choices = event.get("choices")
    if isinstance(choices, list) and any(map(_has_error, choices)):
        named = [_error_named(each, names) if isinstance(each, dict) else each for each in choices]
        return {**event, "choices": named}
    error = event.get("error")
    if isinstance(error, str):
        return {**event, "error": names.in_clients(error)}
    if isinstance(error, dict):
        return {**event, "error": _message_named(error, names)}
    return _message_named(event, names) if event.get("type") == "error" else event


def _has_error(choice: object) -> bool:
    return isinstance(choice, dict) and bool(choice.get("error"))


def _message_named(error: Json, names: ModelNames) -> Json:
    message = error.get("message")
    return {**error, "message": names.in_clients(message)} if isinstance(message, str) else error
