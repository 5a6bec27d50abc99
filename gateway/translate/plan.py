"""Picks the translation for a pair of shapes; through chat where none joins them directly."""

from functools import partial
from importlib import import_module
from typing import Any

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate import (
    chat_via_completions,
    chat_via_messages,
    chat_via_responses,
    completions_via_chat,
    messages_via_chat,
    messages_via_responses,
    own_endpoint,
    responses_via_chat,
    responses_via_messages,
)
from gateway.translate.composed import Translate, compose
from gateway.translate.contract import Context, Translation
from gateway.translate.renamed_tools import with_safe_names


def _through_chat(outer: Translate, inner: Translate, home: Shape) -> Translate:
    return partial(_composed, outer, inner, home)


def _composed(
    outer: Translate, inner: Translate, home: Shape, body: Json, context: Context
) -> Translation:
    return compose(outer, inner, body, context, home)


_PAIRS: dict[tuple[Shape, Shape], Translate] = {
    (Shape.COMPLETIONS, Shape.CHAT): completions_via_chat.translate,
    (Shape.CHAT, Shape.COMPLETIONS): chat_via_completions.translate,
    (Shape.CHAT, Shape.RESPONSES): chat_via_responses.translate,
    (Shape.CHAT, Shape.MESSAGES): with_safe_names(Shape.CHAT, chat_via_messages.translate),
    (Shape.RESPONSES, Shape.CHAT): responses_via_chat.translate,
    (Shape.RESPONSES, Shape.MESSAGES): with_safe_names(
        Shape.RESPONSES, responses_via_messages.translate
    ),
    (Shape.MESSAGES, Shape.CHAT): messages_via_chat.translate,
    (Shape.MESSAGES, Shape.RESPONSES): messages_via_responses.translate,
    (Shape.COMPLETIONS, Shape.RESPONSES): _through_chat(
        completions_via_chat.translate, chat_via_responses.translate, Shape.RESPONSES
    ),
    (Shape.COMPLETIONS, Shape.MESSAGES): _through_chat(
        completions_via_chat.translate, chat_via_messages.translate, Shape.MESSAGES
    ),
    (Shape.RESPONSES, Shape.COMPLETIONS): _through_chat(
        responses_via_chat.translate, chat_via_completions.translate, Shape.COMPLETIONS
    ),
    (Shape.MESSAGES, Shape.COMPLETIONS): _through_chat(
        messages_via_chat.translate, chat_via_completions.translate, Shape.COMPLETIONS
    ),
}


def can_translate(client: Shape, home: Shape) -> bool:
    """Whether a client of one shape can be served by a model that lives at the other."""
    return client is home or (client, home) in _PAIRS


def plan(
    client: Shape,
    home: Shape,
    body: Json,
    context: Context,
    *,
    as_chat: bool = False,
    mixed: bool = False,
) -> Translation:
    """Translate a request of `client` shape for a model that lives at `home`.

    `as_chat`: it is one of responses that was sent to the chat endpoint, and is answered as there.
    `mixed`: a chat request for its own endpoint may have parts of other shapes.
    Raises `InvalidRequest` (and its kinds) naming the client's own parameter, and `KeyError` for
    a pair that `can_translate` denies.
    """
    if as_chat:
        inner = partial(plan, client, home)
        translation: Translation = _rare("answered_as_chat").translate(inner, body, context, home)
        return translation
    if client is Shape.CHAT and (mixed or home is not client):
        return _of_chat(home, body, context)
    return _directly(client, home, body, context)


def _rare(name: str) -> Any:
    """Return a module of this package that few requests need: the first of them loads it."""
    return import_module(f"gateway.translate.{name}")


def _directly(client: Shape, home: Shape, body: Json, context: Context) -> Translation:
    if client is home:
        return own_endpoint.translate(client, body, context)
    return _PAIRS[client, home](body, context)


def has_other_parts(body: Json) -> bool:
    """Whether a chat request has parts of other shapes, or empty lists that chat refuses."""
    return _rare("mixed_chat").reformed(body) is not None


def _of_chat(home: Shape, body: Json, context: Context) -> Translation:
    """Translate a chat request, also one with parts of other shapes.

    It is searched for those where it is refused, and at its own endpoint, where it is not checked.
    """
    refusal: InvalidRequest | None = None
    translate = partial(_directly, Shape.CHAT, home)
    if home is not Shape.CHAT:
        try:
            return translate(body, context)
        except InvalidRequest as error:
            refusal = error.bare()
    mixed_chat = _rare("mixed_chat")
    request = mixed_chat.reformed(body)
    if request is not None:
        translation: Translation = mixed_chat.translate(translate, request, context, home)
        return translation
    if refusal is not None:
        raise refusal
    return translate(body, context)
