"""Recorded payloads, and arbitrary ones, for the tests of this folder."""

import json
from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st

from gateway.envelopes.slices import Work

Value = TypeVar("Value")

SAMPLES = Path(__file__).parent / "metadata_samples"
SAMPLE_NAMES = sorted(path.stem for path in SAMPLES.glob("*.json"))

# fmt: off
_KEYS = [
    "after", "aliases", "architecture", "baseModelId", "base_model", "bare", "capabilities",
    "chat_completion", "completion", "completion_chat", "config", "context_length",
    "conversationConfig", "created", "data", "deprecation", "details", "digest", "embeddings",
    "error", "fine_tuned_model", "fine_tuned_model_checkpoint", "has_more", "id", "inference",
    "is_generation", "job", "key", "kind", "last_id", "litellm_params", "loaded_instances",
    "max_model_len", "meta", "mode", "model", "model_info", "model_name", "model_output_name",
    "models", "n_ctx", "name", "object", "output_modalities", "owned_by", "parent",
    "parent_model", "peftDetails", "pricing", "providers", "root", "shutdown_date",
    "supported_endpoints", "supported_output_modalities", "supportedGenerationMethods",
    "supports_chat", "type", "TYPE",
]
# fmt: on
# fmt: off
_VALUES = [
    "chat", "completion", "embedding", "llm", "text-completion-openai/x", "ft:a:b:c:d",
    "models/x", "vllm", "2026-10-23", "fine-tuned", "library", "EMBEDDING_MODEL",
    "generateContent", "text", "2026-13-99", "\ud800", "\x00",
]
# fmt: on

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(_VALUES)
)


def _nested(children: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    keys = st.sampled_from(_KEYS) | st.text(max_size=4)
    return st.lists(children, max_size=4) | st.dictionaries(keys, children, max_size=8)


JSON = st.recursive(SCALARS, _nested, max_leaves=40)
"""Any decoded JSON, with the keys and values that the readers look for."""


def finished(work: Work[Value]) -> Value:
    """Do sliced work without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            value: Value = done.value
            return value


def deep(levels: int) -> object:
    """Return lists within lists, as deep as decoders let them be."""
    nested: object = []
    for _ in range(levels):
        nested = [nested]
    return nested


def sample(name: str) -> object:
    """Return a recorded payload, decoded."""
    decoded: object = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return decoded
