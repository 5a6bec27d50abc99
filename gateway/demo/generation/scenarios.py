"""Commands that a prompt can carry, to make the emulator misbehave as real servers do.

A command stands at the start of the (last user) text or after white space, so that it survives a
prompt template. The first one counts.

| command | effect |
|---|---|
| `!fail-midstream` | an error event after the first deltas; not streaming: 500 |
| `!truncate` | the connection breaks in the middle of the stream, or of the body |
| `!unfinished` | the stream ends early, but as HTTP demands; not streaming: no effect |
| `!slow` | after the first delta (not streaming: before the head) waits for `Emulator.release()` |
| `!endless` | 200,000 paced ticks, whatever the token limit; not streaming: waits like `!slow` |
| `!429` `!500` `!503` `!529` | that status |
| `!content-filter` | half of the reply, finish reason `content_filter` |
| `!refuse` | chat, responses, messages: a refusal in place of the text |
| `!redact` | messages: thinking comes as `redacted_thinking` |
| `!count N` | the numbers from 1 to N, N at most 100,000 |

On a WebSocket, `!truncate` drops the connection without a close frame, and `!unfinished` closes it
with 1011. These two, `!fail-midstream` and `!redact` have no effect in realtime sessions.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.demo.refusals.service import rate_limited, server_error


class Behaviour(StrEnum):
    """The commands; see the module."""

    FAIL_MIDSTREAM = "fail-midstream"
    TRUNCATE = "truncate"
    UNFINISHED = "unfinished"
    SLOW = "slow"
    ENDLESS = "endless"
    RATE_LIMITED = "429"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    OVERLOADED = "529"
    CONTENT_FILTER = "content-filter"
    REFUSE = "refuse"
    REDACT = "redact"
    COUNT = "count"


_STATUSES = (
    Behaviour.RATE_LIMITED,
    Behaviour.SERVER_ERROR,
    Behaviour.UNAVAILABLE,
    Behaviour.OVERLOADED,
)
_COMMAND = re.compile(
    rf"(?<!\S)!({'|'.join(map(re.escape, Behaviour))})(?!\S)(?: ([0-9]{{1,6}})(?!\S))?"
)
_MOST_NUMBERS = 100_000
_TICKS = 200_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """The behaviour that a text asks for, and the number beside it."""

    behaviour: Behaviour | None = None
    number: int = 1

    def failing_status(self, *, stream: bool) -> int | None:
        """Return the status of an error that the command stands for."""
        if self.behaviour is Behaviour.FAIL_MIDSTREAM:
            return None if stream else 500
        return int(self.behaviour) if self.behaviour in _STATUSES else None

    def refuse_if_asked(self, model: str, *, stream: bool) -> None:
        """Raise `Refused`, in OpenAI's words, if the command stands for an error."""
        status = self.failing_status(stream=stream)
        if status == 429:
            raise rate_limited(model)
        if status is not None:
            raise server_error(status)

    def text(self, usual: str) -> str:
        """Return the answer's text in place of the usual one."""
        if self.behaviour is Behaviour.COUNT:
            return " ".join(str(n) for n in range(1, min(self.number, _MOST_NUMBERS) + 1))
        if self.behaviour is Behaviour.ENDLESS:
            return "tick " * _TICKS
        if self.behaviour is Behaviour.CONTENT_FILTER:
            return usual[: len(usual) // 2]
        return usual

    @property
    def finish(self) -> str:
        """The finish reason of a reply that nothing else cuts short."""
        return "content_filter" if self.behaviour is Behaviour.CONTENT_FILTER else "stop"

    def limit(self, tokens: int | None) -> int | None:
        """Return the token limit that applies."""
        return None if self.behaviour is Behaviour.ENDLESS else tokens


def scenario_in(text: str) -> Scenario:
    """Return the scenario of the first command in a text."""
    match = _COMMAND.search(text)
    if match is None:
        return Scenario()
    return Scenario(Behaviour(match.group(1)), int(match.group(2) or 1))
