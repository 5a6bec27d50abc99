"""Streams of chat or completions that end without a finish reason, though nothing cut them off.

Snowflake's Cortex streams no finish reason for Claude. Its last events are the usage, which has no
choices, and `[DONE]`: a server that has counted its reply and says that it is over was not cut off.
"""

from gateway.errors import TruncatedStream
from gateway.exchange.usage import tokens_of
from gateway.shapes import Json
from gateway.translate.contract import StreamTranslation
from gateway.translate.parts.finish_reasons import UNKNOWN

_END: Json = {"choices": [{"index": 0, "delta": {}, "finish_reason": UNKNOWN}]}


def is_counted(event: Json) -> bool:
    """Whether an event is the usage of a whole reply: it has both counts, and no choices."""
    tokens = None if event.get("choices") else tokens_of(event.get("usage"))
    return tokens is not None and None not in tokens


class UnannouncedEnds:
    """Ends the streams of a translation's calls, also those without a finish reason.

    A missing finish reason is fed to the translation; one that only `renames` does not pass it on.
    """

    def __init__(self, translation: StreamTranslation, *, renames: bool) -> None:
        self._translation = translation
        self._renames = renames
        self._counted: set[int] = set()

    def note(self, call: int, event: Json) -> None:
        """Note whether a call's latest event is the usage of the whole reply."""
        if is_counted(event):
            self._counted.add(call)
        else:
            self._counted.discard(call)

    def end(self, call: int, *, has_terminator: bool) -> list[Json]:
        """End a call's stream; return its last events, and raise what the translation raises.

        `has_terminator` is whether the stream has had its terminator.
        """
        try:
            return self._translation.end(call)
        except TruncatedStream:
            if not has_terminator or call not in self._counted:
                raise
        last = self._translation.feed(call, _END)
        return ([] if self._renames else last) + self._translation.end(call)
