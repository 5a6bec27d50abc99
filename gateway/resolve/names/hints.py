"""What a model's name suggests about its endpoint, if a refusal does not say more.

A name proves nothing; it only orders the endpoints that are tried after a refusal.
"""

import re
from enum import StrEnum

from gateway.resolve.names.model_ids import base_of, strip_prefix


class NameHint(StrEnum):
    """The kind of model that a name suggests."""

    BASE = "base"
    """Lives at completions: davinci-002, gpt-3.5-turbo-instruct; open `-instruct` models do not."""
    RESPONSES_ONLY = "responses_only"
    """o1-pro, gpt-5.3-codex, o3-deep-research."""
    AUDIO_CHAT = "audio_chat"
    """Speaks and listens at the chat endpoint: gpt-audio, gpt-4o-audio-preview."""
    EMBEDDING = "embedding"
    IMAGE = "image"
    SPEECH = "speech"
    """Reads texts out: tts-1."""
    TRANSCRIPTION = "transcription"
    MODERATION = "moderation"
    REALTIME = "realtime"
    VIDEO = "video"
    NONE = "none"
    """No suggestion: most models."""


_HINTS: tuple[tuple[NameHint, re.Pattern[str]], ...] = (
    (
        NameHint.EMBEDDING,
        re.compile(r"embed|^(?:text|code)-(?:similarity|search)-|^(?:bge|e5|gte)-(?!rerank)"),
    ),
    (NameHint.REALTIME, re.compile(r"realtime")),
    (NameHint.TRANSCRIPTION, re.compile(r"transcribe|whisper|(?:^|[-_])stt(?:$|[-_\d])")),
    (NameHint.MODERATION, re.compile(r"moderation")),
    (NameHint.SPEECH, re.compile(r"(?:^|[-_])tts(?:$|[-_\d])")),
    # Gemini's make their images at chat.
    (NameHint.IMAGE, re.compile(r"dall-e|^(?!gemini).*image|^flux[.-]|stable-diffusion")),
    (NameHint.VIDEO, re.compile(r"(?:^|[-_])(?:sora|veo)(?:$|[-_\d])")),
    (NameHint.AUDIO_CHAT, re.compile(r"(?:^|[-_])audio(?:$|[-_])")),
    (
        NameHint.BASE,
        re.compile(
            r"^gpt-3\.?5-turbo-instruct|^(?:text|code)-(?:davinci|curie|babbage|ada|cushman)\b|"
            r"^(?:davinci|curie|babbage|ada)(?:$|-\d|[:-]instruct)"
        ),
    ),
    (
        NameHint.RESPONSES_ONLY,
        re.compile(
            r"codex|deep-research|^computer-use|^(?:o\d|gpt-\d+(?:\.\d+)?)-pro(?:$|[:@]|-\d)"
        ),
    ),
)
# Bedrock writes the vendor and a region before the name: `us.openai.gpt-5-pro`.
_VENDOR = re.compile(r"(?:[a-z]{2,6}\.)?openai\.(?=\w)")


def hint_of(model: str) -> NameHint:
    """Return what a model's name suggests; a fine-tune is taken for its base."""
    name = base_of(model) or strip_prefix(model)
    name = name.rpartition("/")[2].lower()
    vendor = _VENDOR.match(name)
    if vendor is not None:
        name = name[vendor.end() :]
    return next((hint for hint, pattern in _HINTS if pattern.search(name)), NameHint.NONE)
