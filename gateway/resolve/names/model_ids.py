"""The forms of model ids: the base model of a fine-tune, checkpoint or snapshot.

On servers where names are free (vLLM adapters, Ollama copies, deployments) an id proves nothing:
callers must know that the upstream's ids have these forms.
"""

import re

from gateway.envelopes.json_fields import text
from gateway.shapes import Json

MAX_ID_LENGTH = 1024
"""The longest id that is read, in characters; keeps every pattern below cheap."""

ROUTING_PREFIXES = ("openai/", "azure/", "models/", "text-completion-openai/")
"""Prefixes of routers (LiteLLM, GitHub Models, Gemini) before the provider's own id."""

_LABEL = re.compile(r"\[[^\[\]]{1,40}\][ _]?(?=[\w-])")
"""A label that relays put before a name for the channel behind it: `[AWS] gpt-5-codex`."""


_STEP = r"(?::ckpt-step-[0-9]{1,9})?"
_FORMS = (
    # Azure (azure-rest-api-specs): `gpt-35-turbo-0613.ft-<32 characters>[-suffix][:ckpt-step-N]`
    re.compile(r"(?P<base>[A-Za-z0-9][A-Za-z0-9.-]*?)\.ft-[0-9a-z]{32}(?:-[^:]+)?" + _STEP),
    # OpenAI of 2022 (FineTune): `curie:ft-org[:suffix]-2021-03-03-21-44-20`
    re.compile(
        r"(?P<base>ada|babbage|curie|davinci):ft-[A-Za-z0-9][A-Za-z0-9-]*?"
        r"(?::[^:]+?)?-[0-9]{4}(?:-[0-9]{2}){5}"
    ),
    # OpenAI's list until 2023: `curie:2020-05-03`, `text-davinci:001`, `if-davinci:3.0.0`
    re.compile(r"(?P<base>[a-z-]+):(?:[0-9]{3}|[0-9]+\.[0-9]+\.[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2})"),
    # OpenAI (openai-openapi, FineTuningJob): `ft:gpt-4o-mini:org:suffix:id[:ckpt-step-N]`
    # Mistral (client-python): `ft:open-mistral-7b:<organisation>:<yyyymmdd>:[suffix:]<id>`
    re.compile(r"ft:(?P<base>[^:/\s]+)(?::.*)?"),
)
"""The ids of fine-tunes and their checkpoints, and of snapshots."""


def base_of(model_id: str) -> str | None:
    """Return the base model that an id names, as the id spells it; None: it names none.

    The base is a snapshot or a moving alias, perhaps retired since. Routing prefixes are ignored.
    Ids without a base (`accounts/acme/models/x`, `openpipe:slug`, a LoRA's name) give None, as does
    anything too long or with control characters.
    """
    if not is_plausible(model_id):
        return None
    own_id = strip_prefix(model_id)
    found = filter(None, (form.fullmatch(own_id) for form in _FORMS))
    return next((match["base"] for match in found), None)


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
