"""Servers that have no profile of their own."""

from gateway.servers.profile import Profile

AUTO = Profile(
    name="auto",
    is_unknown=True,
    base_fields=("parent",),
    context_fields=("max_model_len",),
    prompt_objects_end=True,
)
"""Not known yet: recognised by the model list."""

OTHER = Profile(
    name="other",
    is_unknown=True,
    base_fields=("parent",),
    context_fields=("max_model_len",),
)
"""Software without a profile."""
