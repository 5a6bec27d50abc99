"""Mistral (mistralai/client-python).

Not confirmed against a source: its parameters, but for `stream_options`.
"""

from gateway.envelopes.json_fields import child, quoted, strings, text
from gateway.servers.presets import HOSTED
from gateway.servers.profile import Profile
from gateway.servers.reading import SPEECH, TRANSCRIPTIONS, Capability, other
from gateway.shapes import Json, Shape

_ELSEWHERE = {
    "completion_fim": "fim/completions",
    "classification": "classifications",
    "moderation": "moderations",
    "ocr": "ocr",
    "audio_transcription": TRANSCRIPTIONS,
    "audio_speech": SPEECH,
}


def _is_mistral(entry: Json) -> bool:
    return "completion_chat" in child(entry, "capabilities")


def _capability(entry: Json) -> Capability | None:
    """Read `capabilities`; fill-in-the-middle models have an endpoint of their own at Mistral."""
    flags = child(entry, "capabilities")
    chat = flags.get("completion_chat")
    if not isinstance(chat, bool):
        return None
    detail = f"capabilities.completion_chat is {quoted(chat)}"
    if chat:
        return Capability(detail, (Shape.CHAT,))
    return other(detail, *(path for flag, path in _ELSEWHERE.items() if flags.get(flag) is True))


def _is_base(_base: str, entry: Json, name: str) -> bool:
    made = (text(entry, "type") or text(entry, "TYPE")) == "fine-tuned"
    return made or text(entry, "job") is not None or name.startswith("ft:")


PROFILE = Profile(
    name="mistral",
    hosts=("api.mistral.ai",),
    marks=(_is_mistral,),
    bare_marks=(_is_mistral,),
    other_names=lambda entry, _: strings(entry, "aliases"),
    capability=_capability,
    base_fields=("root",),
    is_base=_is_base,
    context_fields=("max_context_length",),
    routes=frozenset({Shape.CHAT}),
    lacks=frozenset({Shape.MESSAGES}),
    capabilities={
        **HOSTED,
        # Unknown fields are refused with 422, `stream_options` among them (dnakov/anon-kode#53);
        # the usage comes always, and the seed is called `random_seed`.
        "strict_params": True,
        "reasoning_field": None,
        "seed": False,
        "logit_bias": False,
        "logprobs": False,
        "stream_usage": False,
    },
    refuses=frozenset({"seed"}),
)
