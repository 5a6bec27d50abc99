"""Commands that a prompt can carry, to make the emulator misbehave as real servers do.

A command stands at the start of the (last user) text or after white space, so that it survives a
prompt template. The first one counts.

| command | effect |
|---|---|
| `!fail-midstream` | an error event after the first deltas; not streaming: 500 |
| `!truncate` | the connection breaks in the middle of the stream, or of the body |
| `!unfinished` | the stream ends as HTTP, without finish reason and `[DONE]`; not streaming: none |
| `!slow` | after the first delta (not streaming: before the head) waits for `Emulator.release()` |
| `!endless` | 200,000 paced ticks, whatever the token limit; not streaming: waits like `!slow` |
| `!429` `!500` `!503` | that status |
| `!content-filter` | half of the reply, finish reason `content_filter` |
| `!refuse` | chat and responses: a refusal in place of the text |
| `!count N` | the numbers from 1 to N, N at most 100,000 |
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.demo import refusals


class Trick(StrEnum):
    """The commands; see the module."""

    FAIL_MIDSTREAM = "fail-midstream"
    TRUNCATE = "truncate"
    UNFINISHED = "unfinished"
    SLOW = "slow"
    ENDLESS = "endless"
    RATE_LIMITED = "429"
    SERVER_ERROR = "500"
    OVERLOADED = "503"
    CONTENT_FILTER = "content-filter"
    REFUSE = "refuse"
    COUNT = "count"


_COMMAND = re.compile(
    rf"(?<!\S)!({'|'.join(re.escape(trick) for trick in Trick)})(?!\S)(?: ([0-9]{{1,6}})(?!\S))?"
)
_MOST_NUMBERS = 100_000
_TICKS = 200_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a text asks for besides an answer."""

    trick: Trick | None = None
    number: int = 1

    def refuse_if_asked(self, model: str, *, stream: bool) -> None:
        """Raise the `Refused` that the command stands for, if it does for one."""
        if self.trick is Trick.RATE_LIMITED:
            raise refusals.rate_limited(model)
        if self.trick is Trick.OVERLOADED:
            raise refusals.server_error(503)
        failing = self.trick is Trick.FAIL_MIDSTREAM and not stream
        if failing or self.trick is Trick.SERVER_ERROR:
            raise refusals.server_error()

    def words(self, plain: str) -> str:
        """Return what is said in place of the plain answer."""
        if self.trick is Trick.COUNT:
            return " ".join(str(n) for n in range(1, min(self.number, _MOST_NUMBERS) + 1))
        if self.trick is Trick.ENDLESS:
            return "tick " * _TICKS
        if self.trick is Trick.CONTENT_FILTER:
            return plain[: len(plain) // 2]
        return plain

    @property
    def finish(self) -> str:
        """The finish reason of a reply that nothing else cuts short."""
        return "content_filter" if self.trick is Trick.CONTENT_FILTER else "stop"

    def limit(self, tokens: int | None) -> int | None:
        """Return the token limit to obey."""
        return None if self.trick is Trick.ENDLESS else tokens


def scenario_in(text: str) -> Scenario:
    """Read the first command out of a text."""
    match = _COMMAND.search(text)
    if match is None:
        return Scenario()
    return Scenario(Trick(match.group(1)), int(match.group(2) or 1))
