"""Finds and replaces a model that a body names below its top level, as realtime sessions do.

The model stands deeper in a JSON object, or in an object that is a field of a form (`session`,
beside `sdp`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.exchange.bodies.request_fields import read_object
from gateway.exchange.bodies.unreadable_body import read_beside_halves
from gateway.exchange.passthrough.form_fields import head_of
from gateway.exchange.restricted.named_models import Place

_FIELD = re.compile(head_of(rb"([a-z_]{1,64})"), re.IGNORECASE)
_END = b"\r\n--"


class NestedModel(NamedTuple):
    """A model, and the place in the body that names it."""

    model: str
    place: Place


def in_json(body: bytes, places: Sequence[Place]) -> NestedModel | None:
    """Return the first model that one of these places names; None if none does, or for non-JSON."""
    decoded = read_beside_halves(msgspec.json.decode, body)
    found = ((_at(decoded, place), place) for place in places)
    return next((NestedModel(n, p) for n, p in found if isinstance(n, str) and n), None)


def in_form(prefix: bytes, places: Sequence[Place]) -> NestedModel | None:
    """Return the model that an object in a form names within its first bytes."""
    for name, start, end in _fields(prefix):
        below = [place[1:] for place in places if place[0] == name]
        found = in_json(prefix[start:end], below) if below else None
        if found is not None:
            return NestedModel(found.model, (name, *found.place))
    return None


def json_with(body: bytes, place: Place, model: str) -> bytes:
    """Return a body with this model at a place where a model was found."""
    whole = read_object(body)
    _at(whole, place[:-1])[place[-1]] = model
    return msgspec.json.encode(whole)


def form_with(prefix: bytes, place: Place, model: str) -> bytes:
    """Return a form's first bytes with this model at a place where a model was found."""
    name, *below = place
    start, end = next(
        (start, end)
        for field, start, end in _fields(prefix)
        if field == name and in_json(prefix[start:end], [tuple(below)])
    )
    return prefix[:start] + json_with(prefix[start:end], tuple(below), model) + prefix[end:]


def _fields(prefix: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield the names of a form's fields, and where their values begin and end."""
    for field in _FIELD.finditer(prefix):
        end = prefix.find(_END, field.end())
        if end < 0:
            return
        yield field[1].decode("ascii"), field.end(), end


def _at(decoded: Any, place: Place) -> Any:
    """Return the value at a place of a JSON object; None if there is none."""
    for key in place:
        decoded = decoded.get(key) if isinstance(decoded, dict) else None
    return decoded
