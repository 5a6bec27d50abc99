"""The paths of the operators' listener: which handler takes a request, and errors as JSON."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.admin.entry.access import Access
from gateway.admin.entry.hosts import ASGIApp, Message, Receive, Send
from gateway.errors import GatewayError, MethodNotAllowed, UnknownRoute

Handler = Callable[[Request], Awaitable[object]]
"""Returns a response, or what becomes one as JSON."""


class Operation(NamedTuple):
    """What is at a path."""

    method: str
    handler: Handler
    is_open: bool = False
    """Whether it needs no token."""


def routed(operations: Mapping[str, Operation], access: Access) -> ASGIApp:
    """Return the ASGI application of these paths; one that ends in `/` stands for all below it."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await _taken(operations, access, request)
        except GatewayError as error:
            answer = _json(error.envelope(), error.status, dict(error.headers))
        response = answer if isinstance(answer, Response) else _json(answer)
        await response(scope, receive, send)

    return application


async def _taken(operations: Mapping[str, Operation], access: Access, request: Request) -> object:
    operation = _operation(operations, request.scope["path"])
    if request.method not in _methods(operation):
        allowed = ", ".join(_methods(operation))
        raise MethodNotAllowed(f"Call this path with {allowed}.", headers=(("allow", allowed),))
    if not operation.is_open:
        access.check(request)
    return await operation.handler(request)


def _operation(operations: Mapping[str, Operation], path: str) -> Operation:
    """Return what is at a path, with or without a slash at its end; raises `UnknownRoute`."""
    folder = path.rpartition("/")[0]
    for known in (path, path.rstrip("/"), f"{folder}/" if folder else ""):
        if known in operations:
            return operations[known]
    raise UnknownRoute("The admin listener has nothing at this path. GET / lists what there is.")


def _methods(operation: Operation) -> tuple[str, ...]:
    return ("GET", "HEAD") if operation.method == "GET" else (operation.method,)


def _json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    fields = {"content-type": "application/json", **(headers or {})}
    return Response(msgspec.json.encode(content), status, fields)
