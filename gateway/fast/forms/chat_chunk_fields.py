"""The fields of common chat and completions chunks but for their choices and usage."""

from typing import Any

import msgspec


class ChunkFields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The fields of common chunks beside their content; subclasses narrow those that they read.

    Fields that may have any value identify the reply, or pad the event.
    """

    id: Any = None
    object: Any = None
    created: Any = None
    model: Any = None
    system_fingerprint: Any = None
    service_tier: Any = None
    provider: Any = None
    """OpenRouter's: the server behind OpenRouter."""
    obfuscation: Any = None
    p: Any = None
    """Mistral's padding."""
    error: None = None
    prompt_token_ids: None = None
    """vLLM's, with `return_token_ids`."""
    kv_transfer_params: None = None
    """vLLM's."""
