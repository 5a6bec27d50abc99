"""A translation whose finished response is seen on its way to the client, to be kept."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.contract import (
    Report,
    StreamTranslation,
    Translation,
)

_TERMINAL = frozenset({"response.completed", "response.incomplete"})


class Watched:
    """A translation that lets its finished response be seen, and tells the client that it is kept.

    `previous` is the response that the client continues from, `known` are the ids of the input
    items that came from the store.
    """

    def __init__(
        self,
        translation: Translation,
        previous: str | None,
        known: Collection[str],
        *,
        kept: bool,
    ) -> None:
        self._translation = translation
        self._stored = {"store": kept, "previous_response_id": previous}
        self.known = known
        self.kept = kept
        self.response: Json | None = None

    @property
    def report(self) -> Report:
        """The translation's report; `store` is not dropped where the gateway obeys it."""
        report = self._translation.report
        if not self.kept:
            return report
        return replace(report, dropped=[name for name in report.dropped if name != "store"])

    @property
    def calls(self) -> Sequence[Json]:
        """The translation's calls."""
        return self._translation.calls

    def local_reply(self) -> Json | None:
        """Return the translation's own reply."""
        return self._translation.local_reply()

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold, and note the response."""
        self.response = self.told(self._translation.reply(replies))
        return self.response

    def told(self, response: Json) -> Json:
        """Return a response as the client is told of it."""
        return {**response, **self._stored}

    def stream(self) -> StreamTranslation:
        """Return the fold, noting the response in its last event."""
        return _WatchedStream(self._translation.stream(), self)

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter."""
        return self._translation.client_param(call, param)


class _WatchedStream(StreamTranslation):
    def __init__(self, stream: StreamTranslation, watched: Watched) -> None:
        self._stream = stream
        self._watched = watched

    def feed(self, call: int, event: Json) -> list[Json]:
        return self._seen(self._stream.feed(call, event))

    def end(self, call: int) -> list[Json]:
        return self._seen(self._stream.end(call))

    def fail(self, error: GatewayError) -> list[Json]:
        return self._seen(self._stream.fail(error))

    def satisfied(self, call: int) -> bool:
        return self._stream.satisfied(call)

    @property
    def passes_text(self) -> bool:
        return self._stream.passes_text

    def _seen(self, events: list[Json]) -> list[Json]:
        return [self._noted(event) if "response" in event else event for event in events]

    def _noted(self, event: Json) -> Json:
        response = self._watched.told(event["response"])
        if event["type"] in _TERMINAL:
            self._watched.response = response
        return {**event, "response": response}
