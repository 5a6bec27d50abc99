"""Claude Code's mark after a model's name: `claude-opus-5[1m]` asks for a context of a million.

It is the client's own and no part of any name: it takes it away itself, but not everywhere
(sub2api#4505, 9router#2531), and Anthropic then answers that there is no such model.
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
    """Return a name without its mark; one that the configuration has as a whole stays."""
    bare = _MARKS.sub("", model)
    return model if rules.knows_apart(model, bare) else bare


async def unmarked(
    call: GenerationRequest, routed: Routed, rules: Rules, attempts: Attempts
) -> tuple[GenerationRequest, Routed]:
    """Return a request for which `is_marked` is true without the mark, and what is read of it.

    It stays where the configuration has the whole name. Raises `InvalidRequest`.
    """
    bare = bare_name(str(routed.model), rules)
    if bare == routed.model:
        return call, routed
    body = await attempts.apart.run_large(len(call.body), partial(with_model, call.body, bare))
    return await attempts.bodies.read(call.with_body(body))
