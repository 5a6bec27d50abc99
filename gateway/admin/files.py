"""The files of the admin page, from the package; the page needs no other address."""

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from starlette.responses import Response

from gateway.admin.entry.hosts import ASGIApp, Message, Receive, Send

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "index.html": "text/html; charset=utf-8",
        "login.html": "text/html; charset=utf-8",
        "page.css": "text/css; charset=utf-8",
        "page.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }
)
PROTECTING: Mapping[str, str] = MappingProxyType(
    {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
)
"""Fields of every reply: nothing runs but the page's own script, and nothing is kept or framed.

With the referrer policy `no-referrer`, browsers would send `Origin: null` with the page's forms.
"""


def file(name: str, status: int = 200) -> Response:
    """Return a file of the page; raises `KeyError` for a name that is not in `TYPES`."""
    content = files("gateway.admin").joinpath("page", name).read_bytes()
    return Response(content, status, {"content-type": TYPES[name]})


class Protected:
    """An ASGI application with these fields in every reply of another one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._fields = [(name.encode(), value.encode()) for name, value in PROTECTING.items()]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._fields]}
            await send(message)

        await self._app(scope, receive, with_fields)
