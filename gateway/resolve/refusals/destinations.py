"""Where a model lives instead, by a refusal and the model's name."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.resolve.names.hints import NameHint, hint_of
from gateway.resolve.refusals.endpoint_words import Home
from gateway.shapes import Shape

Called = Shape | None
"""The endpoint called; None: one that generates no text (embeddings, images)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a model lives instead: endpoints to try, best first, or one that generates no text."""

    alternatives: tuple[Shape, ...] = ()
    other_endpoint: str | None = None
    """The endpoint, below /v1, of a model that generates no text: `audio/speech`."""
    request_dependent: bool = False
    """Whether this request's parameters need the other endpoint, not the model."""


NOWHERE = Destination()
EMBEDDINGS = Destination(other_endpoint="embeddings")
TO_COMPLETIONS = Destination((Shape.COMPLETIONS,))
TO_CHAT = Destination((Shape.CHAT,))
TO_RESPONSES = Destination((Shape.RESPONSES,))

Chooser = Callable[[str], Destination]
"""Chooses by the model's name, for refusals that name no endpoint, or a wrong one."""

_WITHOUT_TEXT = {
    NameHint.EMBEDDING: "embeddings",
    NameHint.IMAGE: "images/generations",
    NameHint.SPEECH: "audio/speech",
    NameHint.TRANSCRIPTION: "audio/transcriptions",
    NameHint.MODERATION: "moderations",
    NameHint.REALTIME: "realtime",
    NameHint.VIDEO: "videos",
}
_ORDERS = {
    NameHint.BASE: (Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES),
    NameHint.RESPONSES_ONLY: (Shape.RESPONSES, Shape.CHAT, Shape.COMPLETIONS),
}
_USUAL_ORDER = (Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS)


def other_endpoint_by_name(model: str) -> str | None:
    """Return the path below /v1 where a model lives that, by its name, generates no text."""
    return _WITHOUT_TEXT.get(hint_of(model))


def at(home: Home) -> Destination:
    """Return the destination that is one endpoint."""
    return Destination((home,)) if isinstance(home, Shape) else Destination(other_endpoint=home)


def remaining(model: str, *refused: Shape) -> Destination:
    """Choose among the endpoints that were not refused, for a refusal that names no other."""
    other_endpoint = other_endpoint_by_name(model)
    if other_endpoint is not None:
        return at(other_endpoint)
    order = _ORDERS.get(hint_of(model), _USUAL_ORDER)
    return Destination(tuple(shape for shape in order if shape not in refused))


def nowhere(model: str) -> Destination:
    """Choose for a model that, by the refusal, generates no text at any endpoint."""
    return Destination(other_endpoint=other_endpoint_by_name(model))


def behind_a_misleading_hint(model: str) -> Destination:
    """Choose for a chat call that OpenAI refuses with "Did you mean to use v1/completions?".

    It says so of responses-only and realtime models too, which v1/completions refuses as well
    (chatboxai/chatbox#2173).
    """
    hint = hint_of(model)
    if hint in _WITHOUT_TEXT or hint is NameHint.AUDIO_CHAT:
        return nowhere(model)
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
    hint = hint_of(model)
    if hint in _WITHOUT_TEXT:
        return nowhere(model)
    if hint is NameHint.BASE:
        return TO_COMPLETIONS
    return Destination((Shape.CHAT, Shape.COMPLETIONS))


def not_for_this_operation(model: str) -> Destination:
    """Choose by the model that Azure names behind a deployment.

    That can be the endpoint called: Azure then contradicts itself, and there is no alternative.
    """
    hint = hint_of(model)
    if hint in _WITHOUT_TEXT:
        return nowhere(model)
    return Destination((_ORDERS.get(hint, _USUAL_ORDER)[0],))
