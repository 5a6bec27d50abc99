"""The server software that the gateway knows, with one module and profile each."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from gateway.servers.profile import Profile
from gateway.servers.unknown import AUTO, OTHER

__all__ = ["AUTO", "OTHER", "PROFILES", "Profile", "known", "names", "profile"]


def known() -> Iterator[Profile]:
    """Yield the `PROFILE` of each module here that has one, so that a server needs no list."""
    for module in iter_modules(__path__):
        found = vars(import_module(f"{__name__}.{module.name}")).get("PROFILE")
        if isinstance(found, Profile):
            yield found


PROFILES: tuple[Profile, ...] = (AUTO, *known(), OTHER)
"""All profiles, in the order in which they are listed and their marks are looked for."""


def names() -> list[str]:
    """Return the names of all kinds."""
    return [each.name for each in PROFILES]


def profile(name: str) -> Profile:
    """Return the profile of a kind. Raises `KeyError` for an unknown name."""
    return {each.name: each for each in PROFILES}[name]
