"""Which of a model's endpoints serves a client best: its own, else the one that keeps most."""

from collections.abc import Collection

from gateway.shapes import Shape

PREFERENCE: dict[Shape, tuple[Shape, ...]] = {
    Shape.COMPLETIONS: (Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES),
    Shape.CHAT: (Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS),
    Shape.RESPONSES: (Shape.RESPONSES, Shape.CHAT, Shape.COMPLETIONS),
}


def by_preference(client: Shape, shapes: Collection[Shape]) -> tuple[Shape, ...]:
    """Return `shapes` in the order in which they suit a client that speaks `client`."""
    return tuple(shape for shape in PREFERENCE[client] if shape in shapes)
