"""Helpers of profiles: for the marks and the fields of model lists."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.envelopes.json_fields import quoted, strings
from gateway.shapes import Json, Shape

EMBEDDINGS, IMAGES = "embeddings", "images/generations"
SPEECH, TRANSCRIPTIONS = "audio/speech", "audio/transcriptions"


@dataclass(frozen=True, slots=True)
class Capability:
    """What a capability field says about where a model lives."""

    detail: str
    """The field and its value, in a sentence."""
    shapes: tuple[Shape, ...] = ()
    """The endpoints that the field names; empty: it says only whether the model generates text."""
    generative: bool = True
    """False: the model embeds, draws, ranks …, and lives at none of the generation endpoints."""
    silent_on: tuple[Shape, ...] = ()
    """Endpoints that this field never mentions: their absence from `shapes` means nothing."""
    other_endpoints: tuple[str, ...] = ()
    """The endpoints of a model that is not generative, as paths below `/v1`; empty: the field does
    not say, or the server has no such path."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model takes, and gives, by its card."""

    max_output_tokens: int | None = None
    """The most tokens of a reply."""
    thinking: frozenset[str] = frozenset()
    """The types of Anthropic's `thinking` that it takes; empty: the card does not say."""
    efforts: frozenset[str] | None = None
    """The reasoning efforts that it takes; None: the card does not say."""
    parameters: frozenset[str] | None = None
    """The parameters that it takes, by their names at chat; None: the card does not say."""


def other(detail: str, *paths: str) -> Capability:
    """Return the capability of a model that generates no text; empty paths are dropped."""
    return Capability(detail, generative=False, other_endpoints=tuple(filter(None, paths)))


def shapes_if(*options: tuple[bool, Shape]) -> tuple[Shape, ...]:
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
    detail = f"{key} are {quoted(modalities)}"
    if "text" in modalities:
        return Capability(detail, text_at, silent_on=silent_on)
    return other(detail, EMBEDDINGS if "embeddings" in modalities else "")


def owned_by(owner: str) -> Callable[[Json], bool]:
    """Return the mark of servers whose models all have this owner."""
    return lambda entry: entry.get("owned_by") == owner


def has(*keys: str) -> Callable[[Json], bool]:
    """Return the mark of servers whose entries have all of these keys."""
    return lambda entry: all(key in entry for key in keys)
