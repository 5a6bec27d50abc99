"""The grammars of model ids: the base model of a fine-tune, checkpoint or snapshot.

On servers where names are free (vLLM adapters, Ollama copies, deployments) an id proves nothing:
callers must know that the upstream's ids follow these grammars.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.envelopes.json_fields import text
from gateway.shapes import Json

MAX_ID_LENGTH = 1024
"""The longest id that is read, in characters; keeps every pattern below cheap."""

ROUTING_PREFIXES = ("openai/", "azure/", "models/", "text-completion-openai/")
"""Prefixes of routers (LiteLLM, GitHub Models, Gemini) before the provider's own id."""

_LABEL = re.compile(r"\[[^\[\]]{1,40}\][ _]?(?=[\w-])")
"""A label that relays put before a name for the channel behind it: `[AWS] gpt-5-codex`."""


class Grammar(StrEnum):
    """The forms in which an id contains its base model."""

    AZURE_FINE_TUNE = "azure_ft"
    """`gpt-35-turbo-0613.ft-<32 characters>[-suffix][:ckpt-step-N]` (azure-rest-api-specs)."""
    MISTRAL_FINE_TUNE = "mistral_ft"
    """`ft:open-mistral-7b:<organisation>:<yyyymmdd>:[suffix:]<id>` (mistralai/client-python)."""
    OPENAI_FINE_TUNE = "openai_ft"
    """`ft:gpt-4o-mini-2024-07-18:org:suffix:id[:ckpt-step-N]` (openai-openapi, FineTuningJob)."""
    OPENAI_LEGACY_FINE_TUNE = "openai_legacy_ft"
    """`curie:ft-org[:suffix]-2021-03-03-21-44-20` (openai-openapi of 2022, FineTune)."""
    SNAPSHOT = "snapshot_alias"
    """`curie:2020-05-03`, `text-davinci:001`, `if-davinci:3.0.0` (OpenAI's list until 2023)."""
    LENIENT_FINE_TUNE = "ft_lenient"
    """Any other `ft:<base>[:…]`: only the base is taken from it."""


@dataclass(frozen=True, slots=True)
class DerivedModel:
    """The parts of a model id. Parts that its grammar lacks, or that are empty, are None."""

    grammar: Grammar
    base: str
    """The base model as the id spells it: a snapshot or a moving alias, perhaps retired since."""
    organisation: str | None = None
    suffix: str | None = None
    """The name that its owner chose."""
    job: str | None = None
    """The id's unique part; Azure's is the fine-tuning job's. A checkpoint has its own."""
    created: str | None = None
    """Date or time as the id spells it (`20240514`, `2021-03-03-21-44-20`), or the version."""
    step: int | None = None
    """The training step, for a checkpoint."""


_STEP = r"(?::ckpt-step-(?P<step>[0-9]{1,9}))?"
_GRAMMARS: tuple[tuple[Grammar, re.Pattern[str]], ...] = (
    (
        Grammar.AZURE_FINE_TUNE,
        re.compile(
            r"(?P<base>[A-Za-z0-9][A-Za-z0-9.-]*?)\.ft-(?P<job>[0-9a-z]{32})"
            r"(?:-(?P<suffix>[^:]+))?" + _STEP
        ),
    ),
    (
        # Before OpenAI's, whose grammar these ids satisfy too when they have no suffix.
        Grammar.MISTRAL_FINE_TUNE,
        re.compile(
            r"ft:(?P<base>[^:/\s]+):(?P<organisation>[0-9a-z]{8}):(?P<created>20[0-9]{6}):"
            r"(?:(?P<suffix>[^:]+):)?(?P<job>[0-9a-z]{8})"
        ),
    ),
    (
        Grammar.OPENAI_FINE_TUNE,
        re.compile(
            r"ft:(?P<base>[^:/\s]+):(?P<organisation>[^:]*):(?P<suffix>[^:]*):"
            r"(?P<job>[A-Za-z0-9]+)" + _STEP
        ),
    ),
    (
        Grammar.OPENAI_LEGACY_FINE_TUNE,
        re.compile(
            r"(?P<base>ada|babbage|curie|davinci):ft-(?P<organisation>[A-Za-z0-9][A-Za-z0-9-]*?)"
            r"(?::(?P<suffix>[^:]+?))?-(?P<created>[0-9]{4}(?:-[0-9]{2}){5})"
        ),
    ),
    (
        Grammar.SNAPSHOT,
        re.compile(
            r"(?P<base>[a-z-]+):"
            r"(?P<created>[0-9]{3}|[0-9]+\.[0-9]+\.[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2})"
        ),
    ),
    (Grammar.LENIENT_FINE_TUNE, re.compile(r"ft:(?P<base>[^:/\s]+)(?::.*)?")),
)


def derive(model_id: str) -> DerivedModel | None:
    """Return the parts of a model id; None if it names no base model.

    Routing prefixes are ignored. Ids without a base (`accounts/acme/models/x`, `openpipe:slug`, a
    LoRA's name) give None, as does anything too long or with control characters.
    """
    if not is_plausible(model_id):
        return None
    own_id = strip_prefix(model_id)
    for grammar, pattern in _GRAMMARS:
        if match := pattern.fullmatch(own_id):
            return _from_parts(grammar, match.groupdict())
    return None


def strip_prefix(model_id: str) -> str:
    """Return the provider's own id, without the prefixes of routers and the label of a relay."""
    label = _LABEL.match(model_id)
    start = label.end() if label is not None else 0
    while True:
        prefix = next((p for p in ROUTING_PREFIXES if model_id.startswith(p, start)), None)
        if prefix is None or start + len(prefix) == len(model_id):
            return model_id[start:]
        start += len(prefix)


def is_plausible(model_id: str) -> bool:
    """Whether a text can be a model id: not empty, not too long, and printable."""
    return 0 < len(model_id) <= MAX_ID_LENGTH and model_id.isprintable()


def model_name(parent: Json, *keys: str) -> str | None:
    """Return the first of these keys' strings that can be a model id."""
    for key in keys:
        if (name := text(parent, key)) and is_plausible(name):
            return name
    return None


def _from_parts(grammar: Grammar, parts: dict[str, str | None]) -> DerivedModel:
    step = parts.get("step")
    return DerivedModel(
        grammar=grammar,
        base=parts["base"] or "",
        organisation=parts.get("organisation") or None,
        suffix=parts.get("suffix") or None,
        job=parts.get("job"),
        created=parts.get("created"),
        step=int(step) if step else None,
    )
