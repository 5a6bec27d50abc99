"""Base classes for translations that wrap another one and change it in a few places."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.contract import Report, StreamTranslation, Translation


class WrappedTranslation:
    """The half of a `Translation` that the inner one does: all but `reply` and `stream`."""

    def __init__(self, translation: Translation) -> None:
        self._translation = translation

    @property
    def report(self) -> Report:
        """The inner translation's report."""
        return self._translation.report

    @property
    def calls(self) -> Sequence[Json]:
        """The inner translation's calls."""
        return self._translation.calls

    def local_reply(self) -> Json | None:
        """Return the inner translation's own reply."""
        return self._translation.local_reply()

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter."""
        return self._translation.client_param(call, param)


class WrappedStream(StreamTranslation):
    """The half of a `StreamTranslation` that the inner one does: all but `feed`, `end`, `fail`."""

    def __init__(self, stream: StreamTranslation) -> None:
        self._stream = stream

    def ping(self) -> list[Json]:
        """Return the inner stream's signs of life."""
        return self._stream.ping()

    def satisfied(self, call: int) -> bool:
        """Whether the inner stream needs nothing more of a call."""
        return self._stream.satisfied(call)

    @property
    def passes_text(self) -> bool:
        """Whether the inner stream passes text on unchanged."""
        return self._stream.passes_text
