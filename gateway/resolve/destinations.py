"""Where a model lives instead, as far as a refusal and the model's name can tell."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.resolve.name_hints import NameHint, hint_of
from gateway.shapes import Shape

Called = Shape | None
"""The endpoint called; None: one that generates no text (embeddings, images)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a model lives instead: endpoints to try, best first, or one the gateway cannot try."""

    right: tuple[Shape, ...] = ()
    elsewhere: str | None = None
    """`embeddings` and the like: the model generates no text."""
    request_dependent: bool = False
    """It is this request's parameters that need the other endpoint, not the model."""


NOWHERE = Destination()
EMBEDDINGS = Destination(elsewhere="embeddings")
TO_COMPLETIONS = Destination((Shape.COMPLETIONS,))
TO_CHAT = Destination((Shape.CHAT,))
TO_RESPONSES = Destination((Shape.RESPONSES,))

Chooser = Callable[[str], Destination]
"""Chooses by the model's name, for a refusal that does not say where to go, or says it wrongly."""


def behind_a_misleading_hint(model: str) -> Destination:
    """Choose for a chat call that OpenAI refuses with "Did you mean to use v1/completions?".

    It says so of responses-only and realtime models too, which v1/completions refuses as well
    (chatboxai/chatbox#2173).
    """
    hint = hint_of(model)
    if hint in (NameHint.NO_TEXT, NameHint.SPEECH):
        return NOWHERE
    if hint is NameHint.EMBEDDING:
        return EMBEDDINGS
    if hint is NameHint.BASE:
        return TO_COMPLETIONS
    return Destination((Shape.RESPONSES, Shape.COMPLETIONS))


def not_at_completions(model: str) -> Destination:
    """Choose for a model that is refused at completions as a chat model."""
    if hint_of(model) is NameHint.RESPONSES_ONLY:
        return Destination((Shape.RESPONSES, Shape.CHAT))
    return TO_CHAT


def not_at_responses(model: str) -> Destination:
    """Choose for a model that is there, but not at responses."""
    match hint_of(model):
        case NameHint.EMBEDDING:
            return EMBEDDINGS
        case NameHint.NO_TEXT:
            return NOWHERE
        case NameHint.BASE:
            return TO_COMPLETIONS
    return Destination((Shape.CHAT, Shape.COMPLETIONS))


def not_for_this_operation(model: str) -> Destination:
    """Choose by the model that Azure names behind a deployment.

    That can be the endpoint called: Azure then contradicts itself, and there is nowhere to go.
    """
    match hint_of(model):
        case NameHint.EMBEDDING:
            return EMBEDDINGS
        case NameHint.NO_TEXT:
            return NOWHERE
        case NameHint.RESPONSES_ONLY:
            home = Shape.RESPONSES
        case NameHint.BASE:
            home = Shape.COMPLETIONS
        case _:
            home = Shape.CHAT
    return Destination((home,))
