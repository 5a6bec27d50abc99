"""The order of a model's endpoints for a client: its own first, then those that keep most.

Clients of OpenAI's API are led to messages only by evidence: most servers have all that they serve
there at an endpoint of OpenAI's, too.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from gateway.servers import OTHER, Profile
from gateway.shapes import Shape

PREFERENCE: Mapping[Shape, tuple[Shape, ...]] = MappingProxyType(
    {
        Shape.COMPLETIONS: (Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES),
        Shape.CHAT: (Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS),
        Shape.RESPONSES: (Shape.RESPONSES, Shape.CHAT, Shape.COMPLETIONS),
        Shape.MESSAGES: (Shape.MESSAGES, Shape.RESPONSES, Shape.CHAT, Shape.COMPLETIONS),
    }
)
"""The order for servers that keep at each endpoint what its shape promises."""


def home_order(
    client: Shape, kind: Profile = OTHER, lacking: Collection[Shape] | None = None
) -> tuple[Shape, ...]:
    """Return all endpoints, best first for a client of a server of that kind.

    Without those that the upstream lacks: `lacking`, or else what its kind does. Behind a front, a
    server without messages is asked at chat before responses: LiteLLM asks for messages at its
    server's responses, and refuses the model for some seconds after each 404.
    """
    missing = kind.lacks if lacking is None else lacking
    order = kind.order.get(client) or PREFERENCE[client]
    if not missing:
        return order
    if kind.is_front and client is Shape.MESSAGES and client in missing:
        order = PREFERENCE[Shape.CHAT]
    return tuple(shape for shape in order if shape not in missing)


def assumption(client: Shape, first: Shape) -> str:
    """Return the assumption about an unknown model, in words for operators."""
    own = "the client's own endpoint" if client is first else f"{first.endpoint}, which keeps most,"
    return f"nothing says where it lives: {own} is tried first"


def by_preference(
    client: Shape, shapes: Collection[Shape], kind: Profile = OTHER
) -> tuple[Shape, ...]:
    """Return `shapes`, best first for a client of a server of that kind."""
    order = kind.order.get(client) or PREFERENCE[client]
    known = tuple(shape for shape in order if shape in shapes)
    return known + tuple(shape for shape in shapes if shape not in order)
