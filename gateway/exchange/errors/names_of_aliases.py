"""Puts the client's name of a model into upstreams' errors, which have the name as sent."""

from dataclasses import replace
from typing import Final

from gateway.envelopes.upstream_json import NOT_JSON, decode_halves, encode_halves
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.reply.classify import ErrorReply
from gateway.headers import JSON
from gateway.resolve.evidence import Route
from gateway.resolve.refusals.classify import Refusal
from gateway.shapes import RawHeaders
from gateway.translate.parts.model_names import ModelNames

_OF_A_BODY: Final = (b"content-length", b"content-type")


def upstreams_words(refusal: Refusal, route: Route) -> str:
    """Return the words of an upstream's refusal, with the client's name of the model."""
    said = refusal.message.strip()
    models = ModelNames.of(route.model_sent, route.model_asked)
    return said if models is None else models.as_asked(said)


def named_as_asked(failure: ErrorReply, models: ModelNames | None) -> ErrorReply:
    """Return an upstream's error with the client's name of the model in its texts.

    The rest stays as it came; a stream has to be read to its end before (`read_out`). `models` is
    None if the client's name is the upstream's.
    """
    if models is None or failure.partial:
        return failure
    shown = failure.for_client
    if isinstance(shown, ClientReply) and isinstance(shown.body, bytes):
        named = _text_named(shown.body, models)
        return replace(failure, for_client=replace(shown, body=named))
    if shown is not None:
        return failure
    try:
        decoded = decode_halves(failure.body)
        named = models.in_texts(decoded)
    except NOT_JSON:
        return _with_text_named(failure, models)
    if named == decoded:
        return failure
    return _with_body(failure, encode_halves(named), (JSON,))


def _with_text_named(failure: ErrorReply, models: ModelNames) -> ErrorReply:
    named = _text_named(failure.body, models)
    if named == failure.body:
        return failure
    kind = tuple(pair for pair in failure.headers if pair[0] == b"content-type")
    return _with_body(failure, named, kind)


def _text_named(body: bytes, models: ModelNames) -> bytes:
    text = body.decode("utf-8", "surrogateescape")
    return models.as_asked(text).encode("utf-8", "surrogateescape")


def _with_body(failure: ErrorReply, body: bytes, kind: RawHeaders) -> ErrorReply:
    others = [pair for pair in failure.headers if pair[0] not in _OF_A_BODY]
    length = (b"content-length", b"%d" % len(body))
    return replace(failure, headers=(*others, *kind, length), body=body, as_came=None)
