"""Picks the translation for a pair of shapes. Chat is the pivot between the other two."""

from collections.abc import Callable

from gateway.shapes import Json, Shape
from gateway.translate import chat_via_completions, completions_via_chat
from gateway.translate.contract import Context, Translation
from gateway.translate.renaming import Renaming

Translate = Callable[[Json, Context], Translation]

_PAIRS: dict[tuple[Shape, Shape], Translate] = {
    (Shape.COMPLETIONS, Shape.CHAT): completions_via_chat.translate,
    (Shape.CHAT, Shape.COMPLETIONS): chat_via_completions.translate,
}


def can_translate(client: Shape, home: Shape) -> bool:
    """Whether a client of one shape can be served by a model that lives at the other."""
    return client is home or (client, home) in _PAIRS


def plan(client: Shape, home: Shape, body: Json, context: Context) -> Translation:
    """Translate a request of `client` shape for a model that lives at `home`.

    Raises `InvalidRequest` (and its kinds) naming the client's own parameter, and `KeyError` for
    a pair that `can_translate` denies.
    """
    if client is home:
        return Renaming(client, body, context)
    return _PAIRS[client, home](body, context)
