"""Picks the translation for a pair of shapes. Chat is the pivot between the other two."""

from collections.abc import Callable

from gateway.shapes import Json, Shape
from gateway.translate import (
    chat_via_completions,
    chat_via_responses,
    completions_via_chat,
    own_endpoint,
    responses_via_chat,
)
from gateway.translate.composed import compose
from gateway.translate.contract import Context, Translation

Translate = Callable[[Json, Context], Translation]


def _completions_via_responses(body: Json, context: Context) -> Translation:
    return compose(
        completions_via_chat.translate, chat_via_responses.translate, body, context, Shape.RESPONSES
    )


def _responses_via_completions(body: Json, context: Context) -> Translation:
    return compose(
        responses_via_chat.translate,
        chat_via_completions.translate,
        body,
        context,
        Shape.COMPLETIONS,
    )


_PAIRS: dict[tuple[Shape, Shape], Translate] = {
    (Shape.COMPLETIONS, Shape.CHAT): completions_via_chat.translate,
    (Shape.CHAT, Shape.COMPLETIONS): chat_via_completions.translate,
    (Shape.CHAT, Shape.RESPONSES): chat_via_responses.translate,
    (Shape.RESPONSES, Shape.CHAT): responses_via_chat.translate,
    (Shape.COMPLETIONS, Shape.RESPONSES): _completions_via_responses,
    (Shape.RESPONSES, Shape.COMPLETIONS): _responses_via_completions,
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
        return own_endpoint.translate(client, body, context)
    return _PAIRS[client, home](body, context)
