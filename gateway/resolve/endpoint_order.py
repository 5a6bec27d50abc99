"""The order of a model's endpoints for a client: its own first, then those that keep most."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from gateway.servers import OTHER, Profile
from gateway.shapes import Shape

PREFERENCE: Mapping[Shape, tuple[Shape, ...]] = MappingProxyType(
    {
        Shape.COMPLETIONS: (Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES),
        Shape.CHAT: (Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS),
        Shape.RESPONSES: (Shape.RESPONSES, Shape.CHAT, Shape.COMPLETIONS),
    }
)
"""The order for servers that keep at each endpoint what its shape promises."""


def home_order(client: Shape, kind: Profile = OTHER) -> tuple[Shape, ...]:
    """Return all endpoints, best first for a client of a server of that kind."""
    return kind.order.get(client) or PREFERENCE[client]


def by_preference(
    client: Shape, shapes: Collection[Shape], kind: Profile = OTHER
) -> tuple[Shape, ...]:
    """Return `shapes`, best first for a client of a server of that kind."""
    return tuple(shape for shape in home_order(client, kind) if shape in shapes)
