"""Restricts clients with a list of models to these, whatever their requests look like.

`check_generation` is for the generation endpoints, and `admitted` for all requests that are passed
on: it goes by the table in `permissions`, and by the names that `named_models` and `forms` find.
Requests of clients without restrictions never come here.
"""

import re
from functools import partial
from urllib.parse import unquote, unquote_to_bytes

from msgspec import structs

from gateway.config.settings import ClientSettings
from gateway.errors import InvalidRequest, PermissionDenied
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.passthrough.request_body import READ_AHEAD_BYTES, pieces_of, read_body
from gateway.exchange.restricted.allowed_models import check_allowed
from gateway.exchange.restricted.named_models import MODEL, Judge, Place, Reading
from gateway.exchange.restricted.permissions import (
    BY_MODEL,
    Permission,
    permission_for,
    permission_for_socket,
)
from gateway.request import Body, GenerationRequest, Request
from gateway.shapes import RawHeaders, Shape

_WITH_A_BODY = frozenset({"POST", "PUT", "PATCH"})
_DEPLOYMENT = ("deployment",)
_MULTIPART, _URLENCODED = b"multipart", b"urlencoded"
_CHARSET = re.compile(rb"charset", re.IGNORECASE)
_UTF8 = re.compile(rb"charset=\"?utf-?8\"?[ \t]*(?=;|\Z)", re.IGNORECASE)


def check_generation(call: GenerationRequest) -> None:
    """Judge everything that a request for generation names.

    Raises `InvalidRequest` for a body that servers could read differently, and `PermissionDenied`
    for a model that the client may not use. At responses `PermissionDenied` is also for a request
    without a `model`, since a stored prompt may bring one; elsewhere other code refuses that.
    """
    reading = Reading(judge_for(call.client))
    reading.query(call.query)
    content_type = _content_type(call.headers)
    if _MULTIPART in content_type.lower():
        raise InvalidRequest(
            "The Content-Type says multipart, but the endpoint takes JSON. Send application/json.",
            code="invalid_content_type",
        )
    _read_json(call.body, content_type, reading)
    if call.shape is Shape.RESPONSES and MODEL not in reading.names:
        raise _unreadable(call.client, "without 'model' it is that of a stored prompt", BY_MODEL)


def check_query(call: Request) -> None:
    """Judge what a query names; raises `PermissionDenied`, or `InvalidRequest` for no name."""
    if call.client is not None and call.client.is_restricted:
        Reading(judge_for(call.client)).query(call.query)


def may_send(client: ClientSettings | None, message: bytes) -> bool:
    """Whether a client's message on an open socket names only models that it may use."""
    if client is None or not client.is_restricted:
        return True
    try:
        Reading(judge_for(client)).json(message)
    except (InvalidRequest, PermissionDenied):
        return False
    return True


def check_socket(call: Request) -> None:
    """Judge the model that a realtime socket is opened for, as its query or its path names it.

    Raises `PermissionDenied` for a model that the client may not use, or if neither names one, and
    `InvalidRequest` for a bad name.
    """
    if call.client is None or not call.client.is_restricted:
        return
    permission = permission_for_socket(unquote(call.path))
    if permission.refused:
        raise _unreadable(call.client, permission.refused, permission)
    reading = Reading(judge_for(call.client))
    reading.query(call.query)
    if call.model is not None:
        reading.judge(call.model, MODEL)
    elif not reading.names.keys() & {MODEL, _DEPLOYMENT}:
        raise _unreadable(call.client, "its query names none", permission)
    if any(name == b"call_id" for name in _names(call.query)):
        raise _unreadable(call.client, "it is that of a call accepted before", Permission())


async def admitted(call: Request, limit: int, apart: Apart) -> Request:
    """Return a restricted client's request as it may be passed on: with its form rewritten.

    `limit` is the most bytes of a body that is held; a large body is read `apart`. Raises
    `PermissionDenied` for a model that the client may not use, and for a call that does not name a
    model where it must; `InvalidRequest` for a body that servers could read differently; and
    `PayloadTooLarge`.
    """
    permission = permission_for(call.method, unquote(call.path))
    if permission.refused:
        raise _unreadable(call.client, permission.refused, permission)
    judge = judge_for(call.client)
    reading = Reading(judge)
    reading.query(call.query)
    reading.names.clear()  # names in a query are judged, but the call's model is not taken from it
    if call.model is not None:
        judge(call.model, MODEL)
    if call.method not in _WITH_A_BODY:
        await _refuse_body(call.body)
        return structs.replace(call, body=b"", length=None)
    _refuse_compressed(call.headers)
    content_type = _content_type(call.headers)
    if _MULTIPART in content_type.lower():
        return await _form(call, content_type, reading, permission, limit)
    body = await read_body(call.body, limit)
    if body:
        await apart.run_large(len(body), partial(_read_json, body, content_type, reading))
    _check_named(call, reading, permission)
    return structs.replace(call, body=body, length=None)


def judge_for(client: ClientSettings | None) -> Judge:
    """Return the judge that refuses models which a client may not use."""

    def judge(model: str, place: Place) -> None:
        check_allowed(client, model, ".".join(place))

    return judge


def _names(query: bytes) -> list[bytes]:
    """Return the names in a query, decoded, in lower case."""
    pairs = re.split(rb"[&;]", query)
    return [unquote_to_bytes(pair.partition(b"=")[0]).lower() for pair in pairs]


def _content_type(headers: RawHeaders) -> bytes:
    """Return the Content-Type; raises `InvalidRequest` for two, or for another charset.

    Servers that go by the charset find other text: `+ACI-` is a quotation mark in UTF-7.
    """
    given = [value.strip() for name, value in headers if name == b"content-type"]
    if len(given) > 1 or any(
        len(_CHARSET.findall(value)) != len(_UTF8.findall(value)) for value in given
    ):
        raise InvalidRequest(
            "Your key is for certain models only. Send one Content-Type header, with no charset "
            "but utf-8.",
            code="invalid_content_type",
        )
    return given[0] if given else b""


def _read_json(body: bytes, content_type: bytes, reading: Reading) -> None:
    """Read a body as JSON, whatever its Content-Type: many servers do not look at that.

    curl labels a body as urlencoded by default, and a server that goes by the label reads a form:
    so the form's fields are judged, too.
    """
    reading.json(body)
    if _URLENCODED in content_type.lower():
        Reading(reading.judge).query(body)


async def _refuse_body(body: Body) -> None:
    """Raise `InvalidRequest` if a request that must not have a body has one."""
    async for _ in pieces_of(body):
        raise InvalidRequest(
            "Your key is for certain models only, and a request with this method has no body. "
            "Send it without one.",
            code="unexpected_body",
        )


def _refuse_compressed(headers: RawHeaders) -> None:
    if any(name == b"content-encoding" for name, _ in headers):
        raise InvalidRequest(
            "Your key is for certain models only, and compressed bodies cannot be checked. Send it "
            "without Content-Encoding.",
            status=415,
            code="unsupported_content_encoding",
        )


def _check_named(call: Request, reading: Reading, permission: Permission) -> None:
    """Raise `PermissionDenied` if a call names no model in the place where servers take it from."""
    if not _names_model(call, reading, permission):
        places = _places(reading, permission)
        raise _unreadable(call.client, "the call names none", Permission(places))


def _names_model(call: Request, reading: Reading, permission: Permission) -> bool:
    """Whether the read part of a call names its model, or the call needs none."""
    places = _places(reading, permission)
    return call.model is not None or not places or any(place in reading.names for place in places)


def _places(reading: Reading, permission: Permission) -> tuple[Place, ...]:
    if permission.transcription and reading.types.get(("session", "type")) == "transcription":
        return permission.transcription
    return permission.places


async def _form(
    call: Request, content_type: bytes, reading: Reading, permission: Permission, limit: int
) -> Request:
    """Return the request with its form rewritten, and judged up to the name of its model.

    The rest of the form is judged as it is sent on. At most `limit` bytes are held.
    """
    # Imported late, for their memory: most gateways restrict nobody.
    from gateway.exchange.restricted import forms

    form, fields = forms.form_of(content_type), forms.FieldCheck(reading)
    stream = forms.rewritten(form, pieces_of(call.body), fields)
    beginning, whole = bytearray(), True
    async for piece in stream:
        beginning += piece
        held = 0 if _names_model(call, reading, permission) else limit
        if len(beginning) >= max(held, READ_AHEAD_BYTES):
            whole = False
            break
    fields.is_late = True
    try:
        _check_named(call, reading, permission)
    except PermissionDenied:
        if whole:
            raise
        raise forms.too_late() from None
    headers = tuple(pair for pair in call.headers if pair[0] != b"content-type")
    return structs.replace(
        call,
        headers=(*headers, (b"content-type", form.content_type)),
        body=bytes(beginning) if whole else pieces_of(stream, bytes(beginning)),
        length=None,
    )


def _unreadable(
    client: ClientSettings | None, reason: str, permission: Permission
) -> PermissionDenied:
    """Return the error for a call whose model cannot be judged."""
    places = " or ".join(repr(".".join(place)) for place in permission.places)
    advice = (
        f"Name the model in {places}."
        if places
        else "Call an endpoint that names its model, or ask the gateway's operator for a key "
        "without restrictions."
    )
    return PermissionDenied(
        f"The key of client '{client.name if client else ''}' is for certain models only, and "
        f"the model of this call cannot be determined: {reason}. {advice}",
        param="model",
        code="model_not_allowed",
    )
