"""How a browser gets to the admin page: with the token once, and then with a cookie."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.admin.entry.access import Access
from gateway.admin.entry.bodies import read_form
from gateway.admin.files import TYPES, file

_PATHS = {
    "/": "the page, for browsers",
    "/metrics": "metrics in Prometheus' format",
    "/resolve?model=NAME&from=chat": "the route of a model and all evidence for it",
    "/requests?client=&model=&outcome=": "recent requests",
    "/upstreams": "the upstreams and their figures",
    "/learned": "endpoints that were learned",
    "/configuration": "the configuration in use",
    "/live?client=&model=&outcome=": "all of it as events, once a second",
    "POST /translate": "what becomes of a request: `body` (a text), `from`, `to`, `kind` as JSON",
    "POST /forget": "forget a learned endpoint: `upstream` and `model` as JSON",
    "POST /reload": "reload the configuration",
}


class Entrance:
    """Serves `/` and the form for the token."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def index(self, request: Request) -> object:
        """Return the page, or the form for the token; to other programs, what there is.

        With `?token=…`, the browser gets the cookie and is sent to the address without the token,
        which so stays out of the history, out of referrers and out of the page.
        """
        if "text/html" not in request.headers.get("accept", ""):
            return _PATHS
        token = request.query_params.get("token")
        if token is not None:
            return self._entered(request, token)
        return file("index.html") if self._access.knows(request) else file("login.html", 401)

    async def login(self, request: Request) -> Response:
        """Take the token from the form."""
        self._access.check_site(request)
        return self._entered(request, (await read_form(request)).get("token", ""))

    def _entered(self, request: Request, token: str) -> Response:
        if not self._access.is_token(token.strip()):
            return _refused()
        headers = {"location": "./", "set-cookie": self._access.cookie(request)}
        return Response(status_code=303, headers=headers)


def _refused() -> Response:
    """Return the form, which says that the token was wrong."""
    page = bytes(file("login.html").body).replace(b' role="alert" hidden>', b' role="alert">')
    return Response(page, 401, {"content-type": TYPES["login.html"]})
