"""Which servers want a model's reasoning back with each of its calls."""

import re

from gateway.config.settings import Kind
from gateway.shapes import Shape
from gateway.translate.capabilities import preset

_WANTS_REASONING_BACK = re.compile(r"deepseek|kimi|moonshot", re.IGNORECASE)
_OF_THEIR_OWN = frozenset({Kind.GROQ})
"""Servers that refuse fields they do not know in messages, whatever the model."""


def wants_reasoning_back(kind: Kind, model: str, base_url: str) -> bool:
    """Whether an absent `reasoning_content` is refused: told by the name of a model or its host.

    DeepSeek and Kimi in thinking mode do so wherever they run (crush#2754, vscode#306695). An empty
    one is taken (pipecat#5710), also where the model does not think.
    """
    named = _WANTS_REASONING_BACK.search(model) or _WANTS_REASONING_BACK.search(base_url)
    return (
        named is not None
        and kind not in _OF_THEIR_OWN
        and not preset(kind, Shape.CHAT).strict_params
    )
