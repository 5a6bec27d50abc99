"""Stop sequences that the gateway looks for, where the upstream cannot.

Generation is autoregressive, so cutting at the first match gives the text that an upstream with
`stop` would have given. The first match is the one that *ends* first (of several that end together,
the longest), so that the result does not depend on how the text is cut into pieces.
"""

from collections.abc import Sequence


class StopScanner:
    """Finds the first stop sequence in a text that arrives in pieces.

    It holds back only what may become a stop sequence, and reads each character once per stop
    sequence, however long these are. Empty stop sequences are ignored.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._matchers = [_Matcher(stop) for stop in dict.fromkeys(stops) if stop] if stops else []
        self._held = ""
        self.found: str | None = None
        """The stop sequence that was found; nothing is emitted after it."""

    @property
    def waits(self) -> bool:
        """Whether some text is held back."""
        return bool(self._held)

    def feed(self, text: str) -> str:
        """Take the next piece; return the text that is certainly before any stop sequence."""
        if self.found is not None:
            return ""
        if not self._matchers:
            return text
        first: tuple[int, int] | None = None
        for matcher in self._matchers:
            end = matcher.feed(text)
            if end is not None:
                match = (end, end - len(matcher.stop))
                if first is None or match < first:
                    first, self.found = match, matcher.stop
        if first is not None:
            return self._release(text, len(self._held) + first[1], 0)
        keep = max((matcher.matched for matcher in self._matchers), default=0)
        return self._release(text, len(self._held) + len(text) - keep, keep)

    def flush(self) -> str:
        """Return the text held back, at the end of a text without a stop sequence."""
        text, self._held = self._held, ""
        return text

    def _release(self, text: str, length: int, keep: int) -> str:
        """Return the first `length` characters of held text and `text`; hold the last `keep`."""
        whole = self._held + text
        self._held = whole[len(whole) - keep :]
        return whole[:length]


class _Matcher:
    """Knuth-Morris-Pratt for one stop sequence; its failure table grows only as far as needed."""

    __slots__ = ("_fallback", "matched", "stop")

    def __init__(self, stop: str) -> None:
        self.stop = stop
        self.matched = 0
        """How many characters at the end of the text so far begin the stop sequence."""
        self._fallback = [0, 0]

    def feed(self, text: str) -> int | None:
        """Return where in `text` the first match ends, or None."""
        stop, matched, position = self.stop, self.matched, 0
        while position < len(text):
            if matched == 0:
                position = text.find(stop[0], position)
                if position < 0:
                    break
            matched = self._advance(matched, text[position])
            position += 1
            if matched == len(stop):
                return position
        self.matched = matched
        return None

    def _advance(self, matched: int, character: str) -> int:
        stop, fallback = self.stop, self._fallback
        while matched and stop[matched] != character:
            matched = fallback[matched]
        if stop[matched] != character:
            return 0
        matched += 1
        if matched == len(fallback):
            fallback.append(self._advance(fallback[matched - 1], character))
        return matched


def cut(text: str, stops: Sequence[str]) -> tuple[str, str | None]:
    """Return the text before the first stop sequence, and that sequence, if there is one."""
    if not stops:
        return text, None
    scanner = StopScanner(stops)
    before = scanner.feed(text)
    return before + scanner.flush(), scanner.found
