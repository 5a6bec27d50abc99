"""Anthropic's own service (platform.claude.com)."""

import re
from collections.abc import Iterable

from gateway.envelopes.json_fields import child, count, text
from gateway.servers.presets import HOSTED
from gateway.servers.profile import MetadataCall, Profile
from gateway.servers.reading import Abilities, Capability
from gateway.shapes import Json, Shape

WHOLE_LIST = MetadataCall("/models", "limit=1000")
"""Anthropic's model list, which has 20 models by default, and 1000 with the largest limit."""

_DATE = re.compile(r"-20[0-9]{6}$")


def more_follow(has_more: object, last_id: object) -> bool:
    """Whether more models follow on a list in Anthropic's form, by two of the list's fields."""
    return has_more is True and isinstance(last_id, str)


def _doubt(path: str) -> str | None:
    return None if path.endswith("/v1") else "does not end in /v1, as Anthropic's does"


def _is_anthropic(entry: Json) -> bool:
    return entry.get("type") == "model" and "display_name" in entry


def _other_names(_entry: Json, name: str) -> Iterable[str]:
    """Return a dated model's alias, which lists lack (anthropic-sdk-python, types/model.py)."""
    alias = _DATE.sub("", name)
    if alias == name:
        return ()
    if alias.startswith("claude-3"):
        return (f"{alias}-latest",)
    return (f"{alias}-0" if alias.endswith("-4") else alias,)


def _capability(entry: Json) -> Capability | None:
    """Read `capabilities`, to tell operators: all models in the list live at messages only."""
    if not _is_anthropic(entry):
        return None
    known = ", ".join(
        name
        for name in ("thinking", "structured_outputs", "image_input", "pdf_input")
        if _is_supported(child(entry, "capabilities"), name)
    )
    with_known = f" with {known}" if known else ""
    name = text(entry, "display_name") or "it"
    return Capability(f"{name} is in Anthropic's list{with_known}", (Shape.MESSAGES,))


def _abilities(entry: Json) -> Abilities | None:
    """Read `max_tokens` and `capabilities`; a limit of 0 says nothing."""
    capabilities = child(entry, "capabilities")
    types = child(child(capabilities, "thinking"), "types")
    effort = child(capabilities, "effort")
    return Abilities(
        count(entry, "max_tokens") or None,
        frozenset(name for name in types if _is_supported(types, name)),
        frozenset(name for name in effort if _is_supported(effort, name)) if effort else None,
    )


def _is_supported(holder: Json, name: str) -> bool:
    return child(holder, name).get("supported") is True


PROFILE = Profile(
    name="anthropic",
    hosts=("api.anthropic.com",),
    path_doubt=_doubt,
    key_header=b"x-api-key",
    needs_version=True,
    marks=(_is_anthropic,),
    model_list=WHOLE_LIST,
    has_jobs=False,
    other_names=_other_names,
    capability=_capability,
    abilities=_abilities,
    # The whole window (anthropic-sdk-python, ModelInfo); 0 says nothing.
    context_fields=("max_input_tokens",),
    # Anthropic's chat is a layer for comparing models, which silently drops much of a request.
    routes=frozenset({Shape.MESSAGES}),
    lacks=frozenset({Shape.COMPLETIONS, Shape.RESPONSES}),
    has_claude_names=True,
    order=dict.fromkeys(Shape, (Shape.MESSAGES,)),
    capabilities=HOSTED,
    at_endpoint={
        Shape.MESSAGES: {
            "json_schema": True,
            "strict_tools": True,
            "roles_in_a_row": True,
            # Refused together by the models of 2025 and 2026.
            "temperature_with_top_p": False,
        }
    },
)
