"""`GET /v1/models` and `GET /v1/models/{id}`: what the upstreams list, and the aliases."""

import asyncio
from urllib.parse import quote

import msgspec

from gateway.config.settings import CredentialPolicy, ModelRule, Settings
from gateway.errors import GatewayError, ModelNotFound, UpstreamError
from gateway.exchange import failures, restrictions
from gateway.exchange.message import ClientReply, Decision, decode_object
from gateway.exchange.passing import Passing
from gateway.exchange.sending import read_whole
from gateway.request import Request
from gateway.shapes import Json, RawHeaders, Send, UpstreamCall

MAX_LIST_BYTES = 16 * 1024 * 1024
_JSON = [(b"content-type", b"application/json")]


class Listing:
    """Lists models as each caller may see them: nothing here is cached."""

    def __init__(self, settings: Settings, passing: Passing, send: Send) -> None:
        self._settings = settings
        self._passing = passing
        self._send = send
        self._redirects = dict(settings.retired.redirect)
        redirects = [ModelRule(old, model=new) for old, new in self._redirects.items()]
        self._aliases = {
            rule.pattern: rule
            for rule in reversed([*settings.models, *redirects])
            if not rule.is_glob and rule.model is not None
        }

    async def all(self, call: Request, decision: Decision) -> ClientReply:
        """Return the model list: untouched where there is nothing to add, else merged.

        An upstream that cannot be asked is left out, unless none can.
        """
        restrictions.check_query(call)
        if not self._aliases and len(self._settings.upstreams) == 1 and call.client is None:
            return await self._passing.run(call, decision)
        names = [upstream.name for upstream in self._settings.upstreams]
        answers = await asyncio.gather(
            *(self._list(name, call) for name in names), return_exceptions=True
        )
        cards: dict[str, Json] = {name: _alias_card(rule) for name, rule in self._aliases.items()}
        errors: list[GatewayError] = []
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, GatewayError):
                errors.append(answer)
                if isinstance(answer, UpstreamError):
                    decision.failed(name, answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                for card in answer:
                    cards.setdefault(card["id"], card)
        if errors and len(errors) == len(names):
            raise errors[0]
        decision.upstream = ",".join(names)
        visible = [card for name, card in cards.items() if failures.is_allowed(call.client, name)]
        body = msgspec.json.encode({"object": "list", "data": visible})
        return ClientReply(200, list(_JSON), body)

    async def one(self, call: Request, model: str, decision: Decision) -> ClientReply:
        """Return one model's card: an alias's own, else the upstream's.

        Other methods (`DELETE`) are passed on, for models that the client may use.
        """
        if not failures.is_allowed(call.client, model):
            raise ModelNotFound(f"The model '{model}' does not exist.", param="model")
        rule = self._aliases.get(model)
        if rule is not None and call.method == "GET":
            decision.warn(failures.redirect_warning(model, self._redirects.get(model, model)))
            decision.resolved_by = "config"
            decision.upstream = rule.upstream or self._settings.upstreams[0].name
            return ClientReply(200, list(_JSON), msgspec.json.encode(_alias_card(rule)))
        return await self._passing.run(call, decision)

    async def _list(self, upstream: str, call: Request) -> list[Json]:
        reply = await self._send(_list_call(upstream, call.headers, call.query))
        body = await read_whole(reply, MAX_LIST_BYTES)
        own_key = self._settings.upstream(upstream).credential is CredentialPolicy.KEY
        if own_key and reply.status in (401, 403):
            raise failures.own_key_refused(upstream)
        if reply.status != 200:
            raise failures.listing_failed(upstream, reply.status, body)
        data = decode_object(body).get("data")
        if not isinstance(data, list):
            return []
        return [card for card in data if isinstance(card, dict) and isinstance(card.get("id"), str)]


def _list_call(upstream: str, headers: RawHeaders, query: bytes) -> UpstreamCall:
    return UpstreamCall(upstream, "GET", "/models", query=query, client_headers=headers)


def _alias_card(rule: ModelRule) -> Json:
    """Return the model object of an alias: OpenAI's four keys, and what it stands for."""
    return {
        "id": rule.pattern,
        "object": "model",
        "created": 0,
        "owned_by": "endpoint-gateway",
        "root": rule.model,
    }


def model_path(model: str) -> str:
    """Return the path of one model's card, below `/v1`."""
    return f"/models/{quote(model, safe=':@')}"
