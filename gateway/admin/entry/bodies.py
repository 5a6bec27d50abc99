"""The bodies of the few requests to the operators' listener that have one."""

from urllib.parse import parse_qs

from starlette.requests import Request

from gateway.errors import InvalidRequest, PayloadTooLarge
from gateway.exchange.bodies.request_fields import read_object
from gateway.shapes import Json

MAX_BODY = 1024 * 1024
"""Bytes."""


async def read_body(request: Request) -> bytes:
    """Return the body; raises `PayloadTooLarge`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise PayloadTooLarge(f"The body is longer than {MAX_BODY} bytes.")
    return bytes(body)


async def read_json(request: Request) -> Json:
    """Return a JSON object; raises `InvalidRequest` for anything else.

    Its type must be declared: no form of another site's page can do that.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise InvalidRequest("Send JSON, with `content-type: application/json`.")
    return read_object(await read_body(request))


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form as browsers send it, each by its last value."""
    text = (await read_body(request)).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(text).items()}


def text_in(fields: Json, name: str) -> str:
    """Return a text among the fields, empty if absent; raises `InvalidRequest` for another type."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise InvalidRequest(f"'{name}' must be a string.", param=name, code="invalid_type")
    return value
