"""The sources that servers name in fields that OpenAI's endpoints do not have.

Perplexity has `citations`, `search_results`, `related_questions`, `images` and `videos` beside the
choices of a reply, and in a stream with every chunk; xAI has `citations`, Z.ai `web_search`. Relays
put them into the message. A client gets them under the server's names: beside the choices of chat,
or in the choice concerned if several calls make one reply; beside the output of a response.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gateway.shapes import Json

_NAMES = ("citations", "search_results", "related_questions", "images", "videos", "web_search")
_KNOWN = frozenset(_NAMES)
OF_A_MESSAGE = ("citations", "search_results")
"""Fields that mean the same in a message or a choice."""


_MOST = 1000
"""How many entries a list may have before no more are added."""


def has_sources(reply: Mapping[str, Any]) -> bool:
    """Whether a reply, or an event of one, has any of these fields, even an empty one."""
    return not _KNOWN.isdisjoint(reply)


def sources_of(reply: Mapping[str, Any]) -> Json:
    """Return the source fields that a reply, or an event of one, has at its top."""
    if _KNOWN.isdisjoint(reply):
        return {}
    return {name: reply[name] for name in _NAMES if reply.get(name)}


def sources_within(message: Mapping[str, Any]) -> Json:
    """Return the source fields that a message, a delta or a choice has."""
    return {name: message[name] for name in OF_A_MESSAGE if message.get(name)}


def add_sources(known: Json, more: Mapping[str, Any]) -> None:
    """Add the fields of a later event; a repetition of a list, which may be longer, counts once."""
    for name, value in more.items():
        known[name] = _joined(known.get(name), value)


def _joined(before: object, value: object) -> object:
    """Return the value that two successive ones make."""
    if not isinstance(before, list) or not isinstance(value, list) or len(before) > _MOST:
        return value
    if value[: len(before)] == before:
        return value
    return before + [each for each in value if each not in before]


class StreamedSources:
    """The source fields of the streams of all calls; each value is sent once."""

    def __init__(self, calls: int) -> None:
        self._is_single = calls == 1
        self._known: list[Json] = [{} for _ in range(calls)]
        self._waiting: list[Json] = [{} for _ in range(calls)]

    def take(self, call: int, event: Json) -> None:
        """Take the source fields of an event of a call's stream."""
        for name, value in sources_of(event).items():
            if self._known[call].get(name) != value:
                self._known[call][name] = self._waiting[call][name] = value

    def waits(self, call: int) -> bool:
        """Whether a call has fields that wait to be sent."""
        return bool(self._waiting[call])

    def send(self, call: int, chunks: Sequence[Json], indexes: Collection[int]) -> None:
        """Put a call's waiting fields into the last chunk with one of its choices, if any."""
        for chunk in reversed(chunks):
            for choice in chunk["choices"]:
                if choice["index"] in indexes:
                    (chunk if self._is_single else choice).update(self._waiting[call])
                    self._waiting[call] = {}
                    return
