"""Model lists, as every kind of server writes them, read into cards. Pure, and never raises.

What to ask each kind for, below the server's root unless it starts with `…` (the base URL):

* Azure `…/models`, `…/deployments`; Mistral, Together, Fireworks, Groq, OpenRouter, Hugging Face,
  DeepSeek, vLLM, SGLang, llama.cpp and OpenAI `…/models`
* LM Studio `/api/v1/models`, then `/api/v0/models`; LocalAI `/v1/models/capabilities`; LiteLLM
  `/model/info`; Gemini `/v1beta/models`; GitHub Models `/catalog/models`
* about one model, read by `read_description`: Ollama `POST /api/show`, SGLang `/model_info`,
  llama.cpp `/props`, TGI `/info`

An id that a list lacks may work all the same: vLLM loads adapters on first use, and Ollama and
routers accept variants of names.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from gateway.config.settings import Kind
from gateway.envelopes.json_fields import (
    MAX_ENTRIES,
    batches,
    child,
    count,
    is_list,
    objects,
    shown,
    strings,
    text,
)
from gateway.envelopes.slices import Work
from gateway.resolve.metadata.capability_fields import read_capability
from gateway.resolve.metadata.server_kind import recognise
from gateway.resolve.names.model_ids import model_name
from gateway.shapes import Json, Shape

__all__ = ["ModelCard", "merged", "read_description", "read_models", "recognise"]

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LAST_TIMESTAMP = 4_102_444_800
"""2100-01-01: whatever is later is not in seconds."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What an upstream says about one model under one of its names."""

    id: str
    """A name that a request may carry; a model has a card for each of its names."""
    shapes: tuple[Shape, ...] = ()
    """The endpoints that a capability field establishes, best first; empty: none does."""
    base: str | None = None
    """The model it derives from, by the field that is trustworthy on such a server."""
    shutdown_date: date | None = None
    context_length: int | None = None
    """How many tokens prompt and reply may have together, as served and not as trained."""
    detail: str = ""
    """What was read, in one sentence: the field and its value. Empty: nothing but the name."""
    generative: bool | None = None
    """False: it embeds, draws, ranks …, and lives at none of the three endpoints."""
    silent_on: tuple[Shape, ...] = ()
    """Endpoints that the capability field never speaks of: missing from `shapes`, the model may
    still live there."""
    elsewhere: tuple[str, ...] = ()
    """Where it lives if it is not generative, as far as that is said: paths below `/v1`."""


def read_models(payload: object, kind: Kind) -> Work[dict[str, ModelCard]]:
    """Read a model list, or one model's card, in any of the envelopes that servers use.

    The cards are returned by their names. For tens of thousands of them the work is sliced.

    `{"data": [...]}`, `{"models": [...]}`, a bare array or a single object; of several entries with
    one name the first counts. Whatever is malformed is skipped, and what follows the first 20,000
    entries too. With `Kind.AUTO` the server is recognised by the list itself.
    """
    server = (recognise(payload) or kind) if kind is Kind.AUTO else kind
    cards: dict[str, ModelCard] = {}
    aliases: dict[str, ModelCard] = {}
    for number, batch in enumerate(_entries(payload)):
        if number:
            yield
        for entry in batch:
            name = model_name(entry, *_NAME_KEYS.get(server, ("id",)))
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


def read_description(payload: object, kind: Kind, model_id: str) -> ModelCard | None:
    """Read a reply that describes one model without naming it as requests do.

    None when the payload is no object, or an error.
    """
    if not isinstance(payload, dict) or "error" in payload:
        return None
    return _card(payload, kind, model_id)


def merged(card: ModelCard | None, further: ModelCard) -> ModelCard:
    """Return a model's list entry (None: it has none) with what another look-up says of it.

    A capability field of the latter wins, for the list asked first seldom has one; of two context
    lengths the smaller is what a request can count on.
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
        elsewhere=further.elsewhere or card.elsewhere,
    )


def _entries(payload: object) -> Iterator[list[Json]]:
    if not isinstance(payload, dict):
        return batches(payload)
    for key in ("data", "models"):
        if is_list(payload.get(key)):
            # llama.cpp sends both: the same models twice, the first time as OpenAI does.
            return batches(payload[key])
    return batches([payload])


_NAME_KEYS: dict[Kind, tuple[str, ...]] = {
    Kind.FIREWORKS: ("id", "name"),
    Kind.GEMINI: ("id", "name"),
    Kind.LITELLM: ("model_name", "id"),
    Kind.LMSTUDIO: ("key", "id"),
    Kind.OLLAMA: ("id", "name", "model"),
    Kind.TGI: ("id", "model_id"),
}


def _card(entry: Json, kind: Kind, name: str) -> ModelCard:
    capability = read_capability(entry, kind)
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
        elsewhere=capability.elsewhere if capability else (),
    )


def _aliases(entry: Json, kind: Kind, name: str) -> list[str]:
    """Return the model's other names."""
    if kind is Kind.GEMINI and name.startswith("models/"):
        names = [name.removeprefix("models/")]
    elif kind is Kind.LMSTUDIO:
        names = [text(loaded, "id") or "" for loaded in objects(entry.get("loaded_instances"))]
    elif kind in {Kind.LLAMACPP, Kind.MISTRAL}:
        names = strings(entry, "aliases")
    else:
        names = []
    return [alias for alias in names if model_name({"id": alias}, "id")]


_BASE_FIELDS: dict[Kind, tuple[str, ...]] = {
    # OpenAI named dated snapshots until mid-2023; vLLM's and SGLang's `root` is a path.
    Kind.OPENAI: ("parent",),
    Kind.VLLM: ("parent",),
    Kind.SGLANG: ("parent",),
    Kind.AUTO: ("parent",),
    Kind.OTHER: ("parent",),
    Kind.AZURE: ("model",),
    Kind.MISTRAL: ("root",),
    Kind.GEMINI: ("baseModelId",),
    Kind.OLLAMA: ("details.parent_model",),
    Kind.FIREWORKS: ("peftDetails.baseModel",),
    Kind.LITELLM: ("model_info.base_model", "litellm_params.model", "model_info.key"),
}


def _base(entry: Json, kind: Kind, name: str) -> tuple[str | None, str]:
    """Return the base model and the sentence that says where that was read."""
    for field in _BASE_FIELDS.get(kind, ()):
        holder, _, key = field.rpartition(".")
        base = model_name(child(entry, holder) if holder else entry, key)
        if base and base != name and _is_base(base, entry, kind, name):
            return base, f"{field} is {shown(base)}"
    return None, ""


def _is_base(base: str, entry: Json, kind: Kind, name: str) -> bool:
    if kind is Kind.OLLAMA:
        # A model made from a file has that file there: /home/…/blobs/sha256-…
        return not base.startswith(("/", "\\", ".")) and "sha256" not in base and base[1:2] != ":"
    if kind is Kind.MISTRAL:
        made = (text(entry, "type") or text(entry, "TYPE")) == "fine-tuned"
        return made or text(entry, "job") is not None or name.startswith("ft:")
    if kind is Kind.GEMINI:
        return name != f"models/{base}"
    return True


def _shutdown_date(entry: Json, kind: Kind) -> date | None:
    if kind is Kind.AZURE:
        timestamp = count(child(entry, "deprecation"), "inference")
        if timestamp is None or timestamp >= _LAST_TIMESTAMP:
            return None
        return datetime.fromtimestamp(timestamp, UTC).date()
    written = text(entry, "shutdown_date")
    if written is None or not _ISO_DATE.fullmatch(written):
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


_CONTEXT_FIELDS: dict[Kind, tuple[str, ...]] = {
    Kind.VLLM: ("max_model_len",),
    Kind.SGLANG: ("max_model_len",),
    Kind.AUTO: ("max_model_len",),
    Kind.OTHER: ("max_model_len",),
    Kind.TGI: ("max_total_tokens",),
    Kind.LLAMACPP: ("meta.n_ctx", "default_generation_settings.n_ctx"),
    Kind.LMSTUDIO: ("loaded_context_length",),
    Kind.TOGETHER: ("context_length",),
    Kind.FIREWORKS: ("context_length",),
    Kind.OPENROUTER: ("context_length",),
    Kind.GROQ: ("context_window",),
    Kind.DEEPSEEK: ("context_window",),
    Kind.MISTRAL: ("max_context_length",),
}


def _context_length(entry: Json, kind: Kind) -> int | None:
    """Return the length that is served.

    Left alone: what bounds the input only (Gemini, GitHub Models, LiteLLM), and what a model was
    trained for where less may be loaded (llama.cpp's n_ctx_train, LM Studio, Ollama).
    """
    if kind is Kind.HUGGINGFACE:
        return _least(objects(entry.get("providers")))
    if kind is Kind.LMSTUDIO and "loaded_instances" in entry:
        return _least(child(loaded, "config") for loaded in objects(entry["loaded_instances"]))
    for field in _CONTEXT_FIELDS.get(kind, ()):
        holder, _, key = field.rpartition(".")
        length = count(child(entry, holder) if holder else entry, key)
        if length:
            return length
    return None


def _least(holders: Iterator[Json]) -> int | None:
    """Return the smallest length of those that may serve a request."""
    return min(filter(None, (count(holder, "context_length") for holder in holders)), default=None)
