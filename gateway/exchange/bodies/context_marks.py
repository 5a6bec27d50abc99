"""Claude Code's mark after a model's name: `claude-opus-5[1m]` asks for a context of a million.

The mark is for the client itself and no part of a model's name. Claude Code removes it before it
sends a request, but not everywhere (sub2api#4505, 9router#2531), and Anthropic then answers that
there is no such model.
"""

import re
from functools import partial
from typing import Final

from gateway.exchange.attempt import Attempts
from gateway.exchange.bodies.request_fields import Routed, with_model
from gateway.request import GenerationRequest
from gateway.resolve.rules import Rules
from gateway.shapes import Shape

_MESSAGES: Final = Shape.MESSAGES
_MARKS: Final = re.compile(r"(?<=.)(?:\[[12]m\])+\Z", re.IGNORECASE)


def is_marked(call: GenerationRequest, routed: Routed) -> bool:
    """Whether a messages request names a model that may have a mark."""
    model = routed.model
    return call.shape is _MESSAGES and type(model) is str and model.endswith("]")


def bare_name(model: str, rules: Rules) -> str:
    """Return a name without its mark, unless the configuration has the name with the mark."""
    bare = _MARKS.sub("", model)
    return model if rules.knows_apart(model, bare) else bare


async def unmarked(
    call: GenerationRequest, routed: Routed, rules: Rules, attempts: Attempts
) -> tuple[GenerationRequest, Routed]:
    """Return a request that `is_marked` without the mark, and what routing needs of its body.

    The mark stays if the configuration has the name with it. Raises `InvalidRequest`.
    """
    bare = bare_name(str(routed.model), rules)
    if bare == routed.model:
        return call, routed
    body = await attempts.apart.run_large(len(call.body), partial(with_model, call.body, bare))
    return await attempts.bodies.read(call.with_body(body))
