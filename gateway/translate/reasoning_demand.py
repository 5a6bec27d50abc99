"""Which servers want a model's reasoning back with each of its calls."""

import re

from gateway.servers import Profile
from gateway.shapes import Shape
from gateway.translate.server_capabilities import preset

_WANTS_REASONING_BACK = re.compile(r"deepseek|kimi|moonshot", re.IGNORECASE)


def wants_reasoning_back(kind: Profile, model: str, base_url: str) -> bool:
    """Whether an absent `reasoning_content` is refused: told by the name of a model or its host.

    DeepSeek and Kimi in thinking mode do so wherever they run (crush#2754, vscode#306695). An empty
    one is taken (pipecat#5710), also where the model does not think.
    """
    named = _WANTS_REASONING_BACK.search(model) or _WANTS_REASONING_BACK.search(base_url)
    return (
        named is not None
        and not kind.strict_messages
        and not preset(kind, Shape.CHAT).strict_params
    )
