"""What a model's name suggests about its home, where a refusal leaves nothing else to go by.

A name proves nothing; it only orders the endpoints that are tried after a refusal.
"""

import re
from enum import StrEnum

from gateway.resolve.model_ids import derive, strip_prefix


class NameHint(StrEnum):
    """The kind of model that a name suggests."""

    BASE = "base"
    """Lives at completions: davinci-002, gpt-3.5-turbo-instruct."""
    RESPONSES_ONLY = "responses_only"
    """o1-pro, gpt-5.3-codex, o3-deep-research."""
    EMBEDDING = "embedding"
    SPEECH = "speech"
    """Speaks and listens at the chat endpoint: gpt-audio, gpt-4o-audio-preview."""
    NO_TEXT = "no_text"
    """Images, video, speech synthesis, transcription, realtime, moderation."""
    NONE = "none"
    """Nothing special: most models."""


_HINTS: tuple[tuple[NameHint, re.Pattern[str]], ...] = (
    (NameHint.EMBEDDING, re.compile(r"embed|^(?:text|code)-(?:similarity|search)-")),
    (
        NameHint.NO_TEXT,
        re.compile(
            r"realtime|transcribe|whisper|moderation|dall-e|image|"
            r"(?:^|[-_])(?:tts|sora|veo|stt)(?:$|[-_\d])"
        ),
    ),
    (NameHint.SPEECH, re.compile(r"(?:^|[-_])audio(?:$|[-_])")),
    (
        NameHint.BASE,
        re.compile(
            r"-instruct(?:$|[-_])|^(?:text|code)-(?:davinci|curie|babbage|ada|cushman)\b|"
            r"^(?:davinci|curie|babbage|ada)(?:$|-\d|[:-]instruct)"
        ),
    ),
    (
        NameHint.RESPONSES_ONLY,
        re.compile(r"codex|deep-research|^computer-use|^(?:o\d|gpt-\d+(?:\.\d+)?)-pro(?:$|-\d)"),
    ),
)


def hint_of(model: str) -> NameHint:
    """Return what a model's name suggests; a fine-tune is taken for its base."""
    derived = derive(model)
    name = derived.base if derived is not None else strip_prefix(model)
    name = name.rpartition("/")[2].lower()
    return next((hint for hint, pattern in _HINTS if pattern.search(name)), NameHint.NONE)
