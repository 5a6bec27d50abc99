"""Which of a model's endpoints serves a client best: its own, else the one that keeps most."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from gateway.config.settings import Kind
from gateway.shapes import Shape

PREFERENCE: Mapping[Shape, tuple[Shape, ...]] = MappingProxyType(
    {
        Shape.COMPLETIONS: (Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES),
        Shape.CHAT: (Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS),
        Shape.RESPONSES: (Shape.RESPONSES, Shape.CHAT, Shape.COMPLETIONS),
    }
)
"""The order before servers that keep at each endpoint what its shape promises."""

_EXCEPTIONS: Mapping[tuple[Kind, Shape], tuple[Shape, ...]] = MappingProxyType(
    {
        # llama-server b10434, recorded: its /v1/responses answers 200 and ignores the schema of
        # `text.format`; says `completed` of what max_output_tokens has cut (its chat says
        # `length`); sends events without sequence_number, output_index and content_index, and
        # `response.created` without `output`, on which openai-python 3.57 dies; refuses
        # `top_logprobs`, and assistant messages whose content is a string; drops custom tools and
        # web_search silently. All of these are right through its chat endpoint.
        (Kind.LLAMACPP, Shape.RESPONSES): (Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS),
    }
)
"""Servers whose endpoint for a client's own shape keeps less than the one beside it. Each needs
evidence: relaying loses nothing that the server itself does not lose."""


def home_order(client: Shape, kind: Kind = Kind.OTHER) -> tuple[Shape, ...]:
    """Return all endpoints in the order in which a server of that kind suits a client."""
    return _EXCEPTIONS.get((kind, client), PREFERENCE[client])


def by_preference(
    client: Shape, shapes: Collection[Shape], kind: Kind = Kind.OTHER
) -> tuple[Shape, ...]:
    """Return `shapes` in the order in which they suit a client, before a server of that kind."""
    return tuple(shape for shape in home_order(client, kind) if shape in shapes)
