"""The operators' listener: the page and what it shows as JSON, `/metrics`, `/reload`.

It sends no client's requests. `/resolve` and `/translate` look up with the gateway's own credential
or the caller's `Authorization`, so they reveal nothing that these may not see.
"""

from starlette.requests import Request
from starlette.responses import Response

from gateway.admin.counters.sums import Sums
from gateway.admin.entry.access import Access
from gateway.admin.entry.entrance import Entrance
from gateway.admin.entry.hosts import HostCheck
from gateway.admin.files import TYPES, Protected, file
from gateway.admin.live import Live
from gateway.admin.overview import Overview
from gateway.admin.questions import Questions
from gateway.admin.reloading import ReloadControl
from gateway.admin.routes import Operation, routed
from gateway.admin.views import Views
from gateway.config.settings import Settings
from gateway.errors import UnknownRoute
from gateway.exchange.attempt import Attempts
from gateway.resolve.resolver import Resolver


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
    views = Views(settings, sums, overview, Live(overview, control.stopping))
    questions = Questions(*routing, access)
    operations = {
        "/": Operation("GET", entrance.index, is_open=True),
        "/login": Operation("POST", entrance.login, is_open=True),
        "/page/": Operation("GET", _file, is_open=True),
        "/metrics": Operation("GET", views.metrics),
        "/live": Operation("GET", views.live),
        "/requests": Operation("GET", views.requests),
        "/upstreams": Operation("GET", views.upstreams),
        "/learned": Operation("GET", views.learned),
        "/forget": Operation("POST", views.forget),
        "/configuration": Operation("GET", views.configuration),
        "/resolve": Operation("GET", questions.resolve),
        "/translate": Operation("POST", questions.translate),
        "/reload": Operation("POST", control.reload),
    }
    return HostCheck(Protected(routed(operations, access)), settings.admin)


async def _file(request: Request) -> Response:
    name = request.scope["path"].removeprefix("/page/")
    if name not in TYPES:
        raise UnknownRoute("The page has no such file.")
    return file(name)
