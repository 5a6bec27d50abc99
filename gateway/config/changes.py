"""What differs between the settings in use and those read anew."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import NamedTuple

from gateway.config.problems import InvalidValue, KeyPath, show_path
from gateway.config.settings import Settings

_FIXED = (
    *(("server", name) for name in ("host", "port", "workers")),
    *(("admin", name) for name in ("enabled", "host", "port")),
)
"""Keys of what is bound or forked at start."""
_FIXED_SECTIONS = ("memory", "responses", "tracing")
"""Sections of stores and of the export of spans, which begin at start."""


def fixed_changes(running: Settings, new: Settings) -> Iterator[tuple[KeyPath, InvalidValue]]:
    """Yield every difference that only a restart can apply."""
    places = [
        *_FIXED,
        *((name, each.name) for name in _FIXED_SECTIONS for each in fields(getattr(new, name))),
    ]
    for section, name in places:
        if getattr(getattr(running, section), name) != getattr(getattr(new, section), name):
            yield (section, name), _fixed()
    if running.secret != new.secret:
        yield ("secret",), _fixed()


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
"""Sections with named entries, and the name of their field."""


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
