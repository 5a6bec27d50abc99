"""What differs between the settings in use and those of a reload."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

from gateway.config.checks.problems import InvalidValue, KeyPath, show_path
from gateway.config.settings import Settings

_FIXED = (
    *(("server", name) for name in ("host", "port", "workers")),
    *(("admin", name) for name in ("enabled", "host", "port")),
)
"""Keys of what is bound or forked at start."""
_FIXED_SECTIONS = ("memory", "responses", "tracing")
"""Sections of stores and of the export of spans, which begin at start."""


_WRITTEN = {
    ("memory", "credentials"): ("memory", "url"),
    ("responses", "credentials"): ("responses", "store"),
}
"""Settings that a file has as a part of another key, and that key."""


def fixed_changes(
    running: Settings, new: Settings, *, emptied: bool = False
) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield every difference that only a restart can apply; `emptied`: the file has no keys."""
    if emptied and running != new:
        advice = "write the configuration into it, or restart the gateway to begin with defaults"
        yield (), InvalidValue("is empty", advice)
    places = [
        *_FIXED,
        *((name, each.name) for name in _FIXED_SECTIONS for each in fields(getattr(new, name))),
    ]
    differing = [
        _WRITTEN.get((section, name), (section, name))
        for section, name in places
        if getattr(getattr(running, section), name) != getattr(getattr(new, section), name)
    ]
    for place in dict.fromkeys(differing):
        yield place, _fixed()
    if running.secret != new.secret:
        yield ("secret",), _fixed()
    yield from _opened(running, new)


def _opened(running: Settings, new: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield what asks callers for a key now and would not afterwards.

    A file that is emptied by mistake, or read while it is written, must not open the gateway. It
    would then pass its clients' keys on, too, to an upstream with `credential: caller`.
    """
    advice = "put it back, or restart the gateway if that is meant"
    if running.clients and not new.clients:
        message = "cannot all be removed while the gateway runs: it would be open to everyone"
        yield ("clients",), InvalidValue(message, advice.replace("it", "them", 1))
    if running.admin.token is not None and new.admin.token is None:
        message = "cannot be removed while the gateway runs: the admin listener would be open"
        yield ("admin", "token"), InvalidValue(message, advice)


def _fixed() -> InvalidValue:
    return InvalidValue(
        "cannot be changed while the gateway runs", "restart it, or take the change back"
    )


def changed(running: Settings, new: Settings) -> list[str]:
    """Return the keys of the sections, upstreams, rules and clients that differ."""
    found: list[str] = []
    for section in (each.name for each in fields(Settings)):
        before, now = getattr(running, section), getattr(new, section)
        if before == now:
            continue
        if section in _BY_NAME:
            found += _entries(section, _BY_NAME[section], before, now)
        else:
            found.append(section)
    return found


_BY_NAME = {"upstreams": "name", "models": "pattern"}
"""Sections with named entries, and the field with an entry's name."""


def _entries(
    section: str, name: str, before: Iterable[object], now: Iterable[object]
) -> Iterator[str]:
    old = {getattr(entry, name): entry for entry in before}
    new = {getattr(entry, name): entry for entry in now}
    differing = [key for key in (*old, *(new.keys() - old)) if old.get(key) != new.get(key)]
    if differing:
        yield from (show_path((section, key)) for key in differing)
    else:
        yield f"the order of {section}"


class ReloadResult(NamedTuple):
    """How an attempt to apply a changed configuration ended, in words for its operator."""

    done: bool
    text: str


async def _no_reload() -> ReloadResult:
    return ReloadResult(done=False, text="this process cannot reload its configuration")


@dataclass(slots=True)
class Operations:
    """What operators can ask of the process that serves; that process sets the functions."""

    reload: Callable[[], Awaitable[ReloadResult]] = _no_reload
