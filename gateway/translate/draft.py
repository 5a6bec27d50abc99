"""An upstream body in the making, which the functions for single parameters write into."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.shapes import Json
from gateway.translate.contract import Context, Report, unsupported

_SAMPLING: Mapping[str, tuple[str, object]] = {
    "temperature": ("temperature", 1),
    "top_p": ("top_p", 1),
    "frequency_penalty": ("penalties", 0),
    "presence_penalty": ("penalties", 0),
    "logit_bias": ("logit_bias", {}),
}
"""Parameter: (the capability it needs, its neutral value)."""


@dataclass(slots=True)
class Draft:
    """The client's request and what has become of it so far."""

    client: Json
    """The client's request, checked."""
    context: Context
    report: Report
    upstream: Json = field(default_factory=dict)

    def refuse(self, name: str, reason: str | None = None, *, droppable: bool = True) -> None:
        """Refuse a parameter, or drop it where both it and the operator allow that.

        Raises `UnsupportedParameter`.
        """
        reason = reason or (
            f"the model is served through the {self.report.target} endpoint, which has no "
            "equivalent."
        )
        unsupported(self.context, self.report, name, reason, droppable=droppable)


def copy_sampling(draft: Draft, reason: str) -> None:
    """Copy the sampling parameters that mean the same at both endpoints, `seed` included.

    A neutral value is sent too: the server's own default may be another (vLLM reads one from the
    model's `generation_config.json`). What the server does not take is refused for `reason`, but a
    seed only dropped: it is best effort anywhere.
    """
    capabilities = draft.context.capabilities
    for name, (capability, neutral) in _SAMPLING.items():
        if name not in draft.client:
            continue
        if getattr(capabilities, capability):
            draft.upstream[name] = draft.client[name]
        elif draft.client[name] != neutral:
            draft.refuse(name, reason)
    if "seed" in draft.client:
        if capabilities.seed:
            draft.upstream["seed"] = draft.client["seed"]
        else:
            draft.report.drop("seed")


def refuse_speech(draft: Draft, endpoint: str) -> None:
    """Refuse a chat client's wish for audio; a voice that is not to be used is dropped.

    `endpoint` begins the reason: `a completions endpoint`.
    """
    if "audio" in draft.client.get("modalities", ()):
        draft.refuse("modalities", f"{endpoint} generates text only.", droppable=False)
    if "audio" in draft.client:
        draft.report.drop("audio")


def copy_moderation(draft: Draft, reason: str | None = None) -> None:
    """Send a moderation request where it is understood: its results are part of the reply."""
    if "moderation" not in draft.client:
        return
    if draft.context.capabilities.moderation:
        draft.upstream["moderation"] = draft.client["moderation"]
    else:
        draft.refuse("moderation", reason, droppable=False)
