"""`/resolve` and `/translate`: where a request would go, and what would become of it."""

from starlette.requests import Request

from gateway import servers
from gateway.admin.entry.access import Access
from gateway.admin.entry.bodies import read_json, text_in
from gateway.admin.explanation import explain
from gateway.admin.translation import planned_for
from gateway.errors import InvalidRequest
from gateway.exchange.attempt import Attempts
from gateway.exchange.bodies.misplaced_bodies import routed_to, shape_of
from gateway.exchange.bodies.request_fields import (
    checked_model,
    features_of,
    model_of,
    read_object,
    read_routed,
)
from gateway.resolve.features import FEATURES
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.shapes import Json, Shape


class Questions:
    """Handlers, which return what becomes a response as JSON."""

    def __init__(self, resolver: Resolver, attempts: Attempts, access: Access) -> None:
        self._resolver = resolver
        self._attempts = attempts
        self._access = access

    async def resolve(self, request: Request) -> Json:
        """Explain the route of a model; raises `InvalidRequest`."""
        query = request.query_params
        model = query.get("model", "")
        if not model:
            raise InvalidRequest("Give a model: /resolve?model=NAME&from=chat", param="model")
        checked_model(model)
        client = _shape(query.get("from", Shape.CHAT), "from")
        features = frozenset(name for name in FEATURES if query.get(name) in ("1", "true"))
        credential = self._access.callers_credential(request)
        wanted = ModelQuery(model, client, features, credential)
        return explain(await self._resolver.explain(wanted), client)

    async def translate(self, request: Request) -> Json:
        """Show the upstream calls for a request's body, and the report; raises `InvalidRequest`.

        Without `to`, the model's route decides; otherwise the model is assumed to live there, on a
        server of the kind `kind`.
        """
        fields = await read_json(request)
        if "body" not in fields:
            raise InvalidRequest(
                "Give 'body': /translate takes a client's request as a text, its shape as 'from'.",
                param="body",
                code="missing_required_parameter",
            )
        client = _shape(text_in(fields, "from") or Shape.CHAT, "from")
        body = text_in(fields, "body").encode()
        read_object(body)
        routed = read_routed(body)
        model = model_of(routed)
        if home := text_in(fields, "to"):
            kind = text_in(fields, "kind") or "openai"
            if kind not in servers.names():
                raise InvalidRequest(
                    f"'kind' must be one of {', '.join(servers.names())}.", param="kind"
                )
            route = self._resolver.assumed(model, _shape(home, "to"), servers.profile(kind))
        else:
            credential = self._access.callers_credential(request)
            shape = shape_of(client, body, routed)
            wanted = ModelQuery(model, shape, features_of(routed), credential)
            route = await routed_to(self._resolver, wanted, as_chat=shape is not client)
        await self._attempts.lazy.pair(client, route.shape)
        planned = planned_for(self._resolver, self._attempts, route, client, body)
        return {"upstream": route.upstream, **planned.shown}


def _shape(name: str, param: str) -> Shape:
    try:
        return Shape(name)
    except ValueError:
        raise InvalidRequest(f"'{param}' must be one of {', '.join(Shape)}.", param=param) from None
