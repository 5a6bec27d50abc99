"""The operators' listener: `/resolve` explains a route, `/metrics` has the counters.

It sends no client's requests. `/resolve` uses the gateway's own credential or the caller's
`Authorization`, so it reveals nothing that these may not see.
"""

import hmac
from collections.abc import Awaitable, Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from gateway.admin.explanation import explain
from gateway.admin.hosts import HostCheck
from gateway.admin.sums import Sums
from gateway.config.operators import AdminSettings
from gateway.config.secret import Secret
from gateway.errors import AuthenticationFailed, GatewayError, InvalidRequest
from gateway.headers import CALLER_HEADERS
from gateway.resolve.features import FEATURES
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.shapes import Json, RawHeaders, Shape

Handler = Callable[[Request], Awaitable[Response]]


def build(resolver: Resolver, sums: Sums, settings: AdminSettings) -> HostCheck:
    """Return the admin application. With a token, every path but `/` requires it.

    The token goes into `X-Admin-Token` or `Authorization`. `/resolve` takes the credential to look
    up with from `Authorization`, unless that has the token.
    """
    token = settings.token
    routes = {"/resolve": _resolve(resolver, token), "/metrics": _metrics(sums)}
    application = Starlette(
        routes=[
            HttpRoute(path, _guarded(handler, token), methods=["GET"])
            for path, handler in routes.items()
        ]
        + [HttpRoute("/", _index, methods=["GET"])]
    )
    return HostCheck(application, settings)


async def _index(_: Request) -> Response:
    paths = {
        "/resolve?model=NAME&from=chat": "the route of a model and all evidence for it",
        "/metrics": "counters in Prometheus' format",
    }
    return _json(paths)


def _resolve(resolver: Resolver, token: Secret | None) -> Handler:
    async def handler(request: Request) -> Response:
        query = request.query_params
        model = query.get("model", "")
        if not model or len(model) > 512:
            raise InvalidRequest("Give a model: /resolve?model=NAME&from=chat", param="model")
        client = _shape(query.get("from", Shape.CHAT))
        features = frozenset(name for name in FEATURES if query.get(name) in ("1", "true"))
        wanted = ModelQuery(model, client, features, _callers_credential(request, token))
        return _json(explain(await resolver.resolve(wanted, explain=True), client))

    return handler


def _shape(name: str) -> Shape:
    try:
        return Shape(name)
    except ValueError:
        known = ", ".join(Shape)
        raise InvalidRequest(f"'from' must be one of {known}.", param="from") from None


def _metrics(sums: Sums) -> Handler:
    async def handler(_: Request) -> Response:
        from gateway.admin.exposition import CONTENT_TYPE, exposition

        text = exposition(await sums.families())
        return Response(text, headers={"content-type": CONTENT_TYPE})

    return handler


def _guarded(handler: Handler, token: Secret | None) -> Handler:
    async def guarded(request: Request) -> Response:
        try:
            if token is not None:
                _check_token(request, token)
            return await handler(request)
        except GatewayError as error:
            return _json(error.envelope(), error.status)

    return guarded


def _callers_credential(request: Request, token: Secret | None) -> RawHeaders:
    """Return the credential for look-ups: never the admin token, which no upstream may see."""
    headers: list[tuple[bytes, bytes]] = request.scope["headers"]
    if token is not None and _same(_bearer(request), token):
        headers = [pair for pair in headers if pair[0] != b"authorization"]
    return tuple(pair for pair in headers if pair[0] in CALLER_HEADERS)


def _bearer(request: Request) -> str:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else ""


def _same(presented: str, token: Secret) -> bool:
    return hmac.compare_digest(presented.encode(), token.reveal().encode())


def _check_token(request: Request, token: Secret) -> None:
    presented = request.headers.get("x-admin-token") or _bearer(request)
    if not _same(presented, token):
        raise AuthenticationFailed(
            "The admin listener requires its token, in `X-Admin-Token: …` or "
            "`Authorization: Bearer …`."
        )


def _json(content: Json | dict[str, str], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, {"content-type": "application/json"})
