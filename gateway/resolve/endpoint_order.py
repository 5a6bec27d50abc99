"""The order of endpoints for a client: its own first, then those that keep most of its request.

Clients of OpenAI's shapes are sent to messages only on evidence: most servers offer whatever they
serve at messages at an endpoint of OpenAI's, too.
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
"""The order on servers whose endpoints all keep what their shapes promise."""


def home_order(
    client: Shape, kind: Profile = OTHER, lacking: Collection[Shape] | None = None
) -> tuple[Shape, ...]:
    """Return the endpoints to try for a client's shape, best first, on a server of that kind.

    Endpoints that the upstream lacks are left out: `lacking`, or else those that its kind lacks. If
    messages is one of them behind a front, chat comes before responses for clients of messages:
    LiteLLM serves messages through its server's responses endpoint, and refuses the model for some
    seconds after each 404.
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
    """Return `shapes`, best first for a client's shape on a server of that kind."""
    order = kind.order.get(client) or PREFERENCE[client]
    known = tuple(shape for shape in order if shape in shapes)
    return known + tuple(shape for shape in shapes if shape not in order)
