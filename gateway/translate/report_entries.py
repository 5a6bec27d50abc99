"""The entries of a report, and how the reply's header lists them."""

from collections.abc import Sequence
from typing import Final

MAX_LISTED: Final = 640
"""The most characters of one list in the header. With three such lists a reply's head stays below
the 4 KB that nginx reads."""
_MORE: Final = "..."
_MOST: Final = 64
_LONGEST: Final = 120


def listed(entries: Sequence[str]) -> str:
    """Return a list of the header: printable ASCII, its last entry `...` if it is cut."""
    joined = ",".join(entries)
    if not joined.isascii():
        joined = joined.encode("ascii", "backslashreplace").decode("ascii")
    if len(joined) <= MAX_LISTED:
        return joined
    end = joined.rfind(",", 0, MAX_LISTED - len(_MORE))
    return joined[: MAX_LISTED - len(_MORE) if end < 0 else end + 1] + _MORE


def note(entries: list[str], entry: str) -> None:
    """Add an entry to a list of a report, unless it is there already, or the list is full."""
    if len(entries) == _MOST:
        return
    if entry.isprintable() and ";" not in entry and "," not in entry:
        printable = entry[:_LONGEST]
    else:
        printable = "".join(c if c.isprintable() and c not in ";," else "_" for c in entry)[
            :_LONGEST
        ]
    if printable not in entries:
        entries.append(printable)
