"""A stream that is folded without its generic translation for as long as it is common.

A stream whose request a codec has translated is folded by a few types that admit only common
events: a role, texts, an end. The generic translation is made at the first event that they do not
admit, and is fed what has come before, so that it is where it would be without the fast path.
"""

from collections.abc import Callable
from typing import Protocol

from gateway.errors import GatewayError
from gateway.shapes import Json
from gateway.translate.contract import StreamTranslation

MAX_EVENTS = 32
MAX_CHARACTERS = 64 * 1024
"""How many events, with about so much text, are kept for the generic translation.

A run of texts is one event (`deltas/text_deltas.py`), so that most streams have about ten.
"""


class CommonStream(Protocol):
    """Folds the stream of a call that is a request's only one, while its events are common.

    It draws no id that a later event repeats, unless the generic translation draws the same id
    (`FastCodec.repeats_ids`).
    """

    @property
    def length(self) -> int:
        """The number of characters of its text so far."""

    @property
    def passes_text(self) -> bool:
        """Whether text would leave at once, and unchanged."""

    def ping(self) -> list[Json]:
        """Return events that show that the stream is alive; none if a comment has to do that."""

    def take(self, event: Json) -> list[Json] | None:
        """Take an event; return those to send. None: it is not common, and this fold is over."""

    def end(self) -> list[Json] | None:
        """Take the end; return the last events. None: the stream is not complete."""


class Chained:
    """A `CommonStream` through another shape: `inner` folds the upstream's, `outer` the result."""

    def __init__(self, outer: CommonStream, inner: CommonStream) -> None:
        self._outer = outer
        self._inner = inner

    @property
    def length(self) -> int:
        """The number of characters of its text so far."""
        return self._outer.length

    @property
    def passes_text(self) -> bool:
        """Whether text would leave at once, and unchanged."""
        return self._outer.passes_text and self._inner.passes_text

    def ping(self) -> list[Json]:
        """Return the events that show that the stream is alive; none: a comment does."""
        return self._outer.ping()

    def take(self, event: Json) -> list[Json] | None:
        """Take an event; return those to send. None: it is not common."""
        return self._folded(self._inner.take(event))

    def end(self) -> list[Json] | None:
        """Take the end; return the last events. None: the stream is not complete."""
        events = self._folded(self._inner.end())
        last = None if events is None else self._outer.end()
        return None if events is None or last is None else [*events, *last]

    def _folded(self, events: list[Json] | None) -> list[Json] | None:
        if events is None:
            return None
        folded: list[Json] = []
        for event in events:
            more = self._outer.take(event)
            if more is None:
                return None
            folded += more
        return folded


class FastStream(StreamTranslation):
    """The stream of a fast translation: common, until `generic` has to make the generic one."""

    def __init__(self, common: CommonStream, generic: Callable[[], StreamTranslation]) -> None:
        self._common = common
        self._make_generic = generic
        self._generic: StreamTranslation | None = None
        self._seen: list[Json] = []
        """The events so far, for the generic translation."""

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one event; raises as the generic translation does."""
        if self._generic is None:
            seen, common = self._seen, self._common
            if len(seen) < MAX_EVENTS and common.length < MAX_CHARACTERS:
                events = common.take(event)
                if events is not None:
                    seen.append(event)
                    return events
        return self._in_generic().feed(call, event)

    def end(self, call: int) -> list[Json]:
        """Take the end of the stream; raises as the generic translation does."""
        if self._generic is None:
            events = self._common.end()
            if events is not None:
                return events
        return self._in_generic().end(call)

    def fail(self, error: GatewayError) -> list[Json]:
        """Return the events that report an error."""
        return self._in_generic().fail(error)

    def ping(self) -> list[Json]:
        """Return the events that show the client of a silent stream that it is alive."""
        return (self._generic or self._common).ping()

    def satisfied(self, call: int) -> bool:
        """Whether the rest is not needed; that of a common stream always is."""
        return self._generic is not None and self._generic.satisfied(call)

    @property
    def passes_text(self) -> bool:
        """Whether text leaves at once, and unchanged."""
        return (self._generic or self._common).passes_text

    def _in_generic(self) -> StreamTranslation:
        if self._generic is None:
            self._generic = self._make_generic()
            for event in self._seen:
                self._generic.feed(0, event)
            self._seen.clear()
        return self._generic
