"""Reads the model lists of every kind of server into cards. Pure, and never raises.

An id that a list lacks may work all the same: vLLM loads adapters on first use, and Ollama and
routers accept variants of names.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from gateway.envelopes.json_fields import (
    MAX_ENTRIES,
    batches,
    child,
    count,
    is_list,
    quoted,
    text,
)
from gateway.envelopes.slices import Work
from gateway.resolve.metadata.server_kind import recognise
from gateway.resolve.names.model_ids import model_name
from gateway.servers import AUTO, Profile
from gateway.servers.anthropic import more_follow
from gateway.servers.reading import Abilities
from gateway.shapes import Json, Shape

__all__ = ["ModelCard", "has_more", "merged", "read_description", "read_models", "recognise"]

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LAST_TIMESTAMP = 4_102_444_800
"""2100-01-01: later timestamps are not in seconds."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What an upstream says about one model under one of its names."""

    id: str
    """A name that a request may carry; a model has a card for each of its names."""
    shapes: tuple[Shape, ...] = ()
    """The endpoints that a capability field establishes, best first; empty: none."""
    base: str | None = None
    """The model it derives from, by a field that is reliable on such a server."""
    shutdown_date: date | None = None
    context_length: int | None = None
    """The most tokens of prompt and reply together, as served and not as trained."""
    detail: str = ""
    """The fields that were read, with their values, in one sentence. Empty: only the name."""
    generative: bool | None = None
    """False: it embeds, draws, ranks …, and lives at none of the generation endpoints."""
    silent_on: tuple[Shape, ...] = ()
    """Endpoints that the capability field never mentions, so that the model may live there although
    they are missing from `shapes`."""
    other_endpoints: tuple[str, ...] = ()
    """Its endpoints if it is not generative, as far as known: paths below `/v1`."""
    abilities: Abilities | None = None
    """What the model takes and gives; None: the upstream does not say."""


def read_models(payload: object, kind: Profile) -> Work[dict[str, ModelCard]]:
    """Read a model list, or one model's card, in any of the envelopes that servers use.

    Returns the cards by name. The work is sliced, for lists of tens of thousands.

    `{"data": [...]}`, `{"models": [...]}`, a bare array or a single object; of several entries with
    one name the first counts. Malformed entries are skipped, as are those after the first 20,000.
    With `AUTO`, the list itself shows the kind.
    """
    server = (recognise(payload) or kind) if kind is AUTO else kind
    cards: dict[str, ModelCard] = {}
    aliases: dict[str, ModelCard] = {}
    for number, batch in enumerate(_entries(payload)):
        if number:
            yield
        for entry in batch:
            name = model_name(entry, *server.name_keys)
            if name is None:
                continue
            card = _card(entry, server, name)
            cards.setdefault(name, card)
            for alias in _aliases(entry, server, name):
                if len(aliases) < MAX_ENTRIES:
                    aliases.setdefault(alias, replace(card, id=alias))
    for name, card in aliases.items():
        cards.setdefault(name, card)
    return cards


def has_more(payload: object) -> bool:
    """Say whether a list in Anthropic's form ends before its last model."""
    if not isinstance(payload, dict):
        return False
    return more_follow(payload.get("has_more"), payload.get("last_id"))


def read_description(payload: object, kind: Profile, model_id: str) -> ModelCard | None:
    """Read a reply that describes one model without naming it as requests do.

    None when the payload is not an object, or is an error.
    """
    if not isinstance(payload, dict) or "error" in payload:
        return None
    return _card(payload, kind, model_id)


def merged(card: ModelCard | None, further: ModelCard) -> ModelCard:
    """Merge a model's list entry (None: it has none) with the result of a further look-up.

    A capability field of the latter wins, because model lists seldom have one. Of two context
    lengths, requests can rely on the smaller.
    """
    if card is None:
        return further
    lengths = [length for length in (card.context_length, further.context_length) if length]
    details = dict.fromkeys(filter(None, (further.detail, card.detail)))
    return ModelCard(
        id=card.id,
        shapes=further.shapes or card.shapes,
        base=card.base or further.base,
        shutdown_date=card.shutdown_date or further.shutdown_date,
        context_length=min(lengths, default=None),
        detail="; ".join(details),
        generative=card.generative if further.generative is None else further.generative,
        silent_on=further.silent_on if further.shapes else card.silent_on,
        other_endpoints=further.other_endpoints or card.other_endpoints,
        abilities=further.abilities or card.abilities,
    )


def _entries(payload: object) -> Iterator[list[Json]]:
    if not isinstance(payload, dict):
        return batches(payload)
    for key in ("data", "models"):
        if is_list(payload.get(key)):
            # llama.cpp sends both; `data` is in OpenAI's form.
            return batches(payload[key])
    return batches([payload])


def _card(entry: Json, kind: Profile, name: str) -> ModelCard:
    capability = kind.capability(entry)
    base, base_detail = _base(entry, kind, name)
    details = [capability.detail if capability else "", base_detail]
    return ModelCard(
        id=name,
        shapes=capability.shapes if capability else (),
        base=base,
        shutdown_date=_shutdown_date(entry, kind),
        context_length=_context_length(entry, kind),
        detail="; ".join(filter(None, details)),
        generative=capability.generative if capability else None,
        silent_on=capability.silent_on if capability else (),
        other_endpoints=capability.other_endpoints if capability else (),
        abilities=kind.abilities(entry),
    )


def _aliases(entry: Json, kind: Profile, name: str) -> Iterator[str]:
    """Yield the model's other names."""
    return (alias for alias in kind.other_names(entry, name) if model_name({"id": alias}, "id"))


def _base(entry: Json, kind: Profile, name: str) -> tuple[str | None, str]:
    """Return the base model and the sentence that says where that was read."""
    for field in kind.base_fields:
        base = model_name(*_place(entry, field))
        if base and base != name and kind.is_base(base, entry, name):
            return base, f"{field} is {quoted(base)}"
    return None, ""


def _shutdown_date(entry: Json, kind: Profile) -> date | None:
    if kind.shutdown_field:
        timestamp = count(*_place(entry, kind.shutdown_field))
        if timestamp is None or timestamp >= _LAST_TIMESTAMP:
            return None
        return datetime.fromtimestamp(timestamp, UTC).date()
    # Anthropic's is an RFC 3339 time.
    written = text(entry, "shutdown_date") or (text(entry, "retires_at") or "")[:10]
    if not _ISO_DATE.fullmatch(written):
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _context_length(entry: Json, kind: Profile) -> int | None:
    """Return the context length that is served."""
    instances = kind.instances(entry)
    if instances is not None:
        return _least(instances)
    lengths = (count(*_place(entry, field)) for field in kind.context_fields)
    return next(filter(None, lengths), None)


def _place(entry: Json, field: str) -> tuple[Json, str]:
    """Return the object that has a field like `details.parent_model`, and its key there."""
    holder, _, key = field.rpartition(".")
    return (child(entry, holder) if holder else entry), key


def _least(holders: Iterable[Json]) -> int | None:
    """Return the smallest context length of the instances that may serve a request."""
    return min(filter(None, (count(holder, "context_length") for holder in holders)), default=None)
