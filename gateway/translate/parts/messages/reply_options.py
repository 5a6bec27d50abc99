"""What the reply to a client of `/v1/messages` depends on in its request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Thinking = Literal["summarized", "omitted", "none"]
"""How reasoning is shown: as text, as a signature only, or not at all (`thinking` is disabled)."""


@dataclass(slots=True)
class MessagesReplyOptions:
    """What the reply to a messages client depends on in its request."""

    stop_sequences: tuple[str, ...] = ()
    """Stop sequences that the gateway applies itself."""
    native_stops: tuple[str, ...] = ()
    """Stop sequences that the upstream applies, and names in its reply (vLLM's `stop_reason`)."""
    thinking: Thinking = "summarized"
    tool_names: Mapping[str, str] = field(default_factory=dict)
    """By name as sent the client's own, where they differ: longer names are shortened."""
    tools: frozenset[str] = frozenset()
    """The names of the tools as they are sent."""
    one_document: bool = False
    """Whether the text is a single JSON document."""
