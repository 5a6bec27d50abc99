"""Finds and replaces the `model` in bodies that are passed on: JSON objects and multipart forms."""

import re

import msgspec

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.unreadable_body import read_beside_halves
from gateway.exchange.passthrough.form_fields import head_of

_FORM_MODEL = re.compile(rb"(%b)([^\r\n]{1,512})\r\n" % head_of(b"model"), re.IGNORECASE)
_BOUNDARY = re.compile(rb'boundary="?([^";,\s]{1,200})', re.IGNORECASE)


class _ModelOnly(msgspec.Struct, gc=False):
    model: object = None


_model_decoder = msgspec.json.Decoder(_ModelOnly)


def json_model(body: bytes) -> str | None:
    """Return a body's model; None if it has none, or is no JSON object (upstreams refuse that)."""
    found = read_beside_halves(_model_decoder.decode, body)
    model = None if found is None else found.model
    return model if isinstance(model, str) and model else None


def form_model(prefix: bytes) -> str | None:
    """Return the model that a form names within its first bytes."""
    match = _FORM_MODEL.search(prefix)
    return match.group(2).decode("utf-8", "replace") if match else None


def boundary_of(content_type: bytes) -> bytes | None:
    """Return the boundary in a Content-Type, which is as it came."""
    match = _BOUNDARY.search(content_type)
    return match[1] if match else None


def form_with_model(prefix: bytes, model: str, content_type: bytes) -> bytes:
    """Return a form's first bytes with this model: in place of its own, or else as a first field.

    `content_type` is the header's value as it came. Raises `InvalidRequest` if it has no boundary.
    """
    changed, count = _FORM_MODEL.subn(lambda m: m.group(1) + model.encode() + b"\r\n", prefix, 1)
    if count:
        return changed
    boundary = boundary_of(content_type)
    if boundary is None:
        raise InvalidRequest("The Content-Type of a multipart body must name its boundary.")
    field = b'--%b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n'
    return field % (boundary, model.encode()) + prefix
