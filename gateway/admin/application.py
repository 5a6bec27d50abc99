"""The operators' listener: the page and what it shows as JSON, `/metrics`, `/reload`.

It sends no client's requests. `/resolve` and `/translate` look up with the gateway's own credential
or the caller's `Authorization`, so they reveal nothing that these may not see.
"""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from gateway.admin.counters.sums import Sums
from gateway.admin.entry.access import Access
from gateway.admin.entry.entrance import Entrance
from gateway.admin.entry.hosts import HostCheck
from gateway.admin.files import TYPES, Protected, file
from gateway.admin.live import Live
from gateway.admin.overview import Overview
from gateway.admin.questions import Questions
from gateway.admin.reloading import ReloadControl
from gateway.admin.shown import Shown
from gateway.config.settings import Settings
from gateway.errors import GatewayError
from gateway.exchange.attempt import Attempts
from gateway.resolve.resolver import Resolver

Handler = Callable[[Request], Awaitable[object]]
"""Returns a response, or what becomes one as JSON."""


def build(
    settings: Settings,
    routing: tuple[Resolver, Attempts],
    sums: Sums,
    overview: Overview,
    control: ReloadControl,
) -> HostCheck:
    """Return the admin application; its event streams end when the gateway is stopping.

    With a token, only the files of the page are open without it. The token goes into
    `X-Admin-Token` or `Authorization`; a browser exchanges it for a cookie.
    """
    access = Access(settings.admin)
    entrance = Entrance(access)
    shown = Shown(settings, sums, overview, Live(overview, control.stopping))
    questions = Questions(*routing, access)
    guarded: dict[str, tuple[str, Handler]] = {
        "/metrics": ("GET", shown.metrics),
        "/live": ("GET", shown.live),
        "/requests": ("GET", shown.requests),
        "/upstreams": ("GET", shown.upstreams),
        "/learned": ("GET", shown.learned),
        "/forget": ("POST", shown.forget),
        "/configuration": ("GET", shown.configuration),
        "/resolve": ("GET", questions.resolve),
        "/translate": ("POST", questions.translate),
        "/reload": ("POST", control.reload),
    }
    routes = [
        HttpRoute("/", _answering(entrance.index), methods=["GET"]),
        HttpRoute("/login", _answering(entrance.login), methods=["POST"]),
        HttpRoute("/page/{name}", _answering(_file), methods=["GET"]),
        *(
            HttpRoute(path, _answering(handler, access), methods=[method])
            for path, (method, handler) in guarded.items()
        ),
    ]
    return HostCheck(Protected(Starlette(routes=routes)), settings.admin)


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    return file(name) if name in TYPES else Response(status_code=404)


def _answering(
    handler: Handler, access: Access | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a handler: behind the guard if there is one, errors as JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            if access is not None:
                access.check(request)
            answer = await handler(request)
        except GatewayError as error:
            return _json(error.envelope(), error.status)
        return answer if isinstance(answer, Response) else _json(answer)

    return endpoint


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, {"content-type": "application/json"})
