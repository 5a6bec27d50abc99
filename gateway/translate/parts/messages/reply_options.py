"""The parts of a messages request on which its reply depends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Thinking = Literal["summarized", "omitted", "none"]
"""How reasoning is shown: as text, as a signature only, or not at all (`thinking` is disabled)."""


@dataclass(slots=True)
class MessagesReplyOptions:
    """The parts of a messages request on which its reply depends."""

    stop_sequences: tuple[str, ...] = ()
    """Stop sequences that the gateway applies itself."""
    native_stops: tuple[str, ...] = ()
    """Stop sequences that the upstream applies, and names in its reply (vLLM's `stop_reason`)."""
    thinking: Thinking = "summarized"
    tool_names: Mapping[str, str] = field(default_factory=dict)
    """The client's names of tools, by the name sent, if they differ: long names are shortened."""
    tools: frozenset[str] = frozenset()
    """The names of the tools as they are sent."""
    one_document: bool = False
    """Whether the client asks for a text that is a single JSON document."""
