"""What profiles read a model's card and recognise a server with."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.envelopes.json_fields import shown, strings
from gateway.shapes import Json, Shape

EMBEDDINGS, IMAGES = "embeddings", "images/generations"
SPEECH, TRANSCRIPTIONS = "audio/speech", "audio/transcriptions"


@dataclass(frozen=True, slots=True)
class Capability:
    """What one field says about where a model lives."""

    detail: str
    """The field and its value, in a sentence."""
    shapes: tuple[Shape, ...] = ()
    """The endpoints it establishes; empty: it only tells generating models from others."""
    generative: bool = True
    """False: embeds, draws, ranks …, and lives at none of the three endpoints."""
    silent_on: tuple[Shape, ...] = ()
    """Endpoints that such a server may have but this field never mentions, so that their absence
    from `shapes` means nothing."""
    other_endpoints: tuple[str, ...] = ()
    """Where it lives if it is not generative, as paths below `/v1`; empty: the field does not say,
    or the server has no such path."""


def other(detail: str, *paths: str) -> Capability:
    """Return the capability of a model that generates no text; an empty path is none."""
    return Capability(detail, generative=False, other_endpoints=tuple(filter(None, paths)))


def chosen(*options: tuple[bool, Shape]) -> tuple[Shape, ...]:
    """Return the shapes whose condition holds."""
    return tuple(shape for holds, shape in options if holds)


def by_modalities(
    holder: Json,
    key: str,
    text_at: tuple[Shape, ...] = (),
    silent_on: tuple[Shape, ...] = (),
) -> Capability | None:
    """Read a list of output modalities: a model that gives text lives at `text_at`."""
    modalities = strings(holder, key)
    if not modalities:
        return None
    detail = f"{key} are {shown(modalities)}"
    if "text" in modalities:
        return Capability(detail, text_at, silent_on=silent_on)
    return other(detail, EMBEDDINGS if "embeddings" in modalities else "")


def owned_by(owner: str) -> Callable[[Json], bool]:
    """Return the mark of servers whose models all have this owner."""
    return lambda entry: entry.get("owned_by") == owner


def has(*keys: str) -> Callable[[Json], bool]:
    """Return the mark of servers whose entries have all of these keys."""
    return lambda entry: all(key in entry for key in keys)
