"""The Host names to which the operators' listener answers.

A web page can have its own name resolved to 127.0.0.1 and then read, from a browser on this
machine, whatever listens there (DNS rebinding). Such requests carry the page's name in their Host
header, so other names than this listener's are refused.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import msgspec

from gateway.config.checks.addresses import is_loopback
from gateway.config.operator_settings import AdminSettings
from gateway.errors import GatewayError, InvalidRequest
from gateway.headers import JSON, host_of
from gateway.ip_addresses import is_ip

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


class HostCheck:
    """An ASGI application that protects another one: only this listener's names reach it.

    These are the loopback names, `admin.host`, and `admin.allowed_hosts`. A listener on every
    interface does not know its addresses and accepts any IP address, since no page's name can look
    like one.
    """

    def __init__(self, app: ASGIApp, settings: AdminSettings) -> None:
        self._app = app
        self._names = frozenset(
            name.lower().rstrip(".") for name in (settings.host, *settings.allowed_hosts)
        )
        self._any_address = settings.host in _EVERYWHERE

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request: 421 for another host's name, 400 for none or several."""
        if scope["type"] == "http":
            try:
                self.check(scope["headers"])
            except GatewayError as error:
                await _refuse(error, send)
                return
        await self._app(scope, receive, send)

    def check(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Raise a `GatewayError` unless there is exactly one Host and it is this listener's."""
        name = host_of(headers)
        if name is None:
            raise InvalidRequest("Send exactly one Host header: a name and an optional port.")
        if is_loopback(name) or name in self._names or (self._any_address and is_ip(name)):
            return
        raise GatewayError(
            "The admin listener does not answer to this host name. Call it at localhost or "
            "admin.host, or add the name to admin.allowed_hosts.",
            status=421,
            type="invalid_request_error",
            code="unknown_host",
        )


async def _refuse(error: GatewayError, send: Send) -> None:
    body = msgspec.json.encode(error.envelope())
    headers = [
        JSON,
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
