"""One row of the table of faults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.faults.outcomes import Outcome
from tests.faults.script import Asked, Script, Scripted


class Ends(Enum):
    """How a fault ends, as the gateway sees it: decides what the client must see."""

    UNREACHABLE = auto()
    """No connection."""
    UNANSWERED = auto()
    """No head that could be used."""
    SILENT = auto()
    """No head in time."""
    BROKEN = auto()
    """The body breaks off before anything of it could be used."""
    BROKEN_EARLY = auto()
    """The body breaks off where a stream has begun but has no text yet."""
    BROKEN_LATER = auto()
    """The body breaks off after the first pieces of text."""
    STALLED = auto()
    STALLED_EARLY = auto()
    STALLED_LATER = auto()
    """The same with silence instead of an end."""
    FINE = auto()
    """Odd, but a reply that can be understood."""
    CUT_AFTER_THE_END = auto()
    """All of the reply's content is there, and then its framing is broken, or it goes on forever.

    Where it is only a stream's content that shows this, a plain reply is broken."""
    LAX = auto()
    """A reply that is not quite one: an error, or the best that can be made of it."""
    NO_ANSWER = auto()
    """A success that is an error: relayed at its own endpoint, an error for all others."""
    BAD_EARLY = auto()
    BAD_LATER = auto()
    """A stream whose framing is good and whose content is not, from its begin or later on."""
    REPORTED = auto()
    """An error in a reply with status 200, or in a stream before its first event."""
    REPORTED_LATER = auto()
    """An error that a stream reports after its first events."""
    REFUSED = auto()
    """An error status with a whole body."""
    REFUSED_BROKEN = auto()
    REFUSED_STALLED = auto()
    """An error status whose body breaks off, or never ends."""
    ENDLESS = auto()
    """A reply that goes on forever within all limits, until the client leaves."""


@dataclass(frozen=True, eq=False)
class Fault:
    """What an upstream does, and how that ends.

    `streams`: its reply is an event stream whatever was asked for. `but` are exceptions from what
    `ends` says, by (flow, `passed` or `translated`; delivery, or "" for any). `upstream` names the
    listener that plays it. `warm`: it is met on a connection that was used before. `heavy`: it is
    met by one request at a time.
    """

    name: str
    ends: Ends
    script: Scripted
    streams: bool = False
    but: Mapping[tuple[str, str], Outcome] = field(default_factory=dict)
    upstream: str = "scripted"
    warm: bool = False
    heavy: bool = False


def same(script: Script) -> Scripted:
    """Return a script that does the same whatever is asked."""

    def play(_: Asked) -> Script:
        return script

    return play
