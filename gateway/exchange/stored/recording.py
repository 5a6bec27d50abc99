"""A translation that records its finished response, so that the gateway can keep it."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.contract import (
    Report,
    StreamTranslation,
    Translation,
)
from gateway.translate.wrapped import WrappedStream, WrappedTranslation

_KEPT = frozenset({"response.completed", "response.incomplete"})
"""The events whose responses are kept."""


class RecordingTranslation(WrappedTranslation):
    """Wraps a translation: records its response, and marks it as kept or not.

    `previous` is the id of the response that the client continues, `known` the ids of the input
    items that came from the store. `response` is None until the reply is complete.
    """

    def __init__(
        self,
        translation: Translation,
        previous: str | None,
        known: Collection[str],
        *,
        kept: bool,
    ) -> None:
        super().__init__(translation)
        self._stored = {"store": kept, "previous_response_id": previous}
        self.known = known
        self.kept = kept
        self.response: Json | None = None

    @property
    def report(self) -> Report:
        """The translation's report, in which `store` is not dropped if the gateway obeys it."""
        report = self._translation.report
        if not self.kept:
            return report
        return replace(report, dropped=[name for name in report.dropped if name != "store"])

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the replies, and record the response."""
        self.response = self.as_stored(self._translation.reply(replies))
        return self.response

    def as_stored(self, response: Json) -> Json:
        """Return a response with `store` and `previous_response_id` as they apply here."""
        return {**response, **self._stored}

    def stream(self) -> StreamTranslation:
        """Return the fold; it records the response from its last event."""
        return _RecordingStream(self._translation.stream(), self)


class _RecordingStream(WrappedStream):
    def __init__(self, stream: StreamTranslation, recording: RecordingTranslation) -> None:
        super().__init__(stream)
        self._recording = recording

    def feed(self, call: int, event: Json) -> list[Json]:
        return self._record(self._stream.feed(call, event))

    def end(self, call: int) -> list[Json]:
        return self._record(self._stream.end(call))

    def fail(self, error: GatewayError) -> list[Json]:
        return self._record(self._stream.fail(error))

    def _record(self, events: list[Json]) -> list[Json]:
        return [self._record_event(event) if "response" in event else event for event in events]

    def _record_event(self, event: Json) -> Json:
        response = self._recording.as_stored(event["response"])
        if event["type"] in _KEPT:
            self._recording.response = response
        return {**event, "response": response}
