"""`GET /v1/models` and `GET /v1/models/{id}`: what the upstreams list, and the aliases."""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote, unquote

import msgspec
from msgspec import structs

from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.envelopes.printed_values import decode_body
from gateway.errors import MethodNotAllowed, ModelNotFound
from gateway.exchange.bodies.context_marks import bare_name
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.client_warnings import redirect_warning
from gateway.exchange.decision import Decision
from gateway.exchange.models.both_forms import for_upstreams, in_both_forms, page_reply
from gateway.exchange.models.cards import Cards
from gateway.exchange.models.lists import cards_by_id, in_pieces
from gateway.exchange.models.upstream_lists import (
    Listed,
    UpstreamLists,
    nothing_listed,
    warning_of,
)
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.restricted import restrictions
from gateway.exchange.restricted.allowed_models import is_allowed
from gateway.headers import speaks_anthropic
from gateway.request import Request
from gateway.resolve.resolver import Resolver
from gateway.shapes import Send

MAX_SEGMENTS = 8
"""The number of a path's segments in which the end of a model's name is looked for."""

_READING = ("GET", "HEAD")


class Listing:
    """Lists models as each caller may see them: nothing here is cached.

    `send` fetches the lists; all other calls go through `forwarder`.
    """

    def __init__(
        self, settings: Settings, resolver: Resolver, forwarder: Forwarder, send: Send
    ) -> None:
        self._settings = settings
        self._resolver = resolver
        self._forwarder = forwarder
        self._lists = UpstreamLists(settings, send)
        self._cards = Cards(resolver, self._lists)
        self._redirects = dict(settings.retired.redirect)
        redirects = [ModelRule(old, model=new) for old, new in self._redirects.items()]
        self._aliases = {
            rule.pattern: rule
            for rule in reversed([*self._used(settings.models), *redirects])
            if rule.model is not None
        }

    def _used(self, rules: Iterable[ModelRule]) -> Iterator[ModelRule]:
        """Yield the rules for a single name that no pattern before them takes."""
        for rule in rules:
            if not rule.is_glob and self._resolver.rule_for(rule.pattern) is rule:
                yield rule

    async def all(self, call: Request, decision: Decision) -> ClientReply:
        """Return the model list: an upstream's as it is if there is nothing to add, else merged."""
        adds = self._aliases or any(rule.rewrites for rule in self._settings.models)
        anthropics = _is_of_anthropics(call)
        fits = self._settings.upstreams[0].kind.needs_version is anthropics
        if fits and not adds and len(self._settings.upstreams) == 1 and call.client is None:
            return await self._forwarder.run(call, decision)
        if anthropics:
            asked = structs.replace(call, query=for_upstreams(call.query))
            return page_reply(await self.cards(asked, decision), call.query)
        return list_reply(await self.cards(call, decision))

    async def cards(self, call: Request, decision: Decision) -> list[bytes]:
        """Return the cards of all models that the caller may see, as JSON, aliases first.

        The upstreams are asked side by side. An upstream that does not give its list within its
        `timeouts.metadata` is left out with a warning; if none gives a list, its error is raised.
        """
        restrictions.check_query(call)
        listed, unlisted = await self._lists.ask_all(call.headers, call.query)
        for left_out in unlisted:
            left_out.note(decision)
        decision.warn(warning_of(unlisted))
        if not listed:
            raise nothing_listed(unlisted)
        decision.upstream = ",".join([each.upstream for each in listed])
        cards: dict[str, bytes] = {}
        async for names in in_pieces(list(self._aliases)):
            for name in names:
                if is_allowed(call.client, name):
                    cards[name] = _alias_card(name, self._aliases[name].model)
        for each in listed:
            await self._add(cards, each, call)
        return list(cards.values())

    async def one(
        self, call: Request, model: str, decision: Decision, shorter: Sequence[str] = ()
    ) -> ClientReply:
        """Return one model's card: an alias's own, else that of the upstream that has the model.

        Other methods, and paths that go on after the model, are passed on to that upstream;
        `shorter` are the names that such a path may begin with. An alias can only be read: any
        other method would act on the model behind it.
        """
        call, model = self._unmarked(call, model)
        decision.asked_for(model)
        if not is_allowed(call.client, model):
            raise ModelNotFound(f"The model '{model}' does not exist.", param="model")
        alias = self._alias(model)
        if alias is not None and alias.rewrites and call.method in _READING:
            return await self._rewritten(call, model, alias, decision, shorter)
        if alias is not None and call.method in _READING:
            decision.warn(redirect_warning(model, self._redirects.get(model, model)))
            decision.resolved_by = "config"
            decision.upstream = alias.upstream or self._settings.upstreams[0].name
            return json_reply(_as_asked(_alias_card(model, alias.model), call))
        if alias is not None and alias.model != model and call.method != "OPTIONS":
            raise _only_an_alias(model, alias.model_for(model))
        reply = await self._forwarder.run(call, decision, (model, *shorter))
        if call.method != "GET":
            return reply
        card = await self._cards.judge(call, decision, reply, model, shorter)
        is_foreign = self._of(decision.upstream).kind.needs_version is not _is_of_anthropics(call)
        return _in_both_forms(card) if is_foreign and _is_card(card, model) else card

    def _unmarked(self, call: Request, model: str) -> tuple[Request, str]:
        """Return a request for a card, and the name, without Claude Code's mark after it."""
        if not (model.endswith("]") and call.method in _READING and _is_of_anthropics(call)):
            return call, model
        bare = bare_name(model, self._resolver.rules)
        return structs.replace(call, path=model_path(bare, encoded=_encodes(call))), bare

    def _of(self, upstream: str) -> UpstreamSettings:
        return self._settings.upstream(upstream)

    async def _rewritten(
        self,
        call: Request,
        model: str,
        rule: ModelRule,
        decision: Decision,
        shorter: Sequence[str],
    ) -> ClientReply:
        """Return the card of a name that a glob rewrites, if the upstream has that model.

        If the path goes on after a model (`/endpoints`), the rest is in `model`, and is sent, too.
        """
        sent = rule.model_for(model) or model
        path = model_path(sent, encoded=_encodes(call))
        renamed = structs.replace(call, path=path)
        reply = await self._forwarder.run(renamed, decision, (model, *shorter))
        decision.resolved_by = "config"
        if call.method != "GET":
            return reply
        others = [rule.model_for(name) or name for name in shorter]
        card = await self._cards.judge(call, decision, reply, sent, others, model_asked=model)
        if not _is_card(card, sent):
            return card
        return json_reply(_as_asked(_alias_card(model, sent), call))

    def _alias(self, model: str) -> ModelRule | None:
        """Return the rule by which another model is served under this name: exact, or a glob."""
        exact = self._aliases.get(model)
        if exact is not None:
            return exact
        rule = self._resolver.rule_for(model)
        return rule if self._resolver.stand_ins.replaces(rule, model) else None

    async def _add(self, cards: dict[str, bytes], listed: Listed, call: Request) -> None:
        """Add an upstream's cards of names for which requests go to that upstream.

        A name that a rule sends to another upstream can only come from the other's list. A model
        that globs serve under other names is listed under each of them.
        """
        rules = self._resolver.rules
        async for entries in in_pieces(listed.entries):
            for model, card in cards_by_id(entries):
                served = [(model, self._card(model, card, listed.upstream))]
                served += [
                    (name, _alias_card(name, model))
                    for name in rules.names_for(model, listed.upstream)
                ]
                for name, shown in served:
                    if shown and name not in cards and is_allowed(call.client, name):
                        cards[name] = shown

    def _card(self, name: str, card: bytes, upstream: str) -> bytes:
        """Return the card of a listed name; empty: requests for it go elsewhere."""
        if self._of(upstream).kind.needs_version:
            card = in_both_forms(card)
        rule = self._resolver.rule_for(name)
        if rule is None:
            return card
        if self._resolver.stand_ins.replaces(rule, name):
            return b"" if rule.rewrites else _alias_card(name, rule.model)
        return card if rule.upstream in (None, upstream) else b""


def _is_of_anthropics(call: Request) -> bool:
    """Whether a request comes from a client of Anthropic's API."""
    return speaks_anthropic(call.path, call.headers)


def _encodes(call: Request) -> bool:
    """Whether slashes of a name are encoded in the request's path."""
    return "/" not in call.path.removeprefix("/models/")


def _as_asked(card: bytes, call: Request) -> bytes:
    """Return a card that the gateway made, in the form of the client's API."""
    return in_both_forms(card) if _is_of_anthropics(call) else card


def _in_both_forms(reply: ClientReply) -> ClientReply:
    """Return a reply that is a card, with the members of both forms."""
    body = reply.body if isinstance(reply.body, bytes) else b""
    fields = [
        field for field in reply.headers if field[0] not in (b"content-type", b"content-length")
    ]
    return json_reply(in_both_forms(body), fields=fields)


def _is_card(reply: ClientReply, model: str) -> bool:
    """Whether a reply is the card of a model under this name."""
    if reply.status != 200 or not isinstance(reply.body, bytes):
        return False
    card = decode_body(reply.body)
    return isinstance(card, dict) and card.get("id") == model


def _alias_card(name: str, model: str | None) -> bytes:
    """Return the model object of an alias: OpenAI's four keys, and what it stands for."""
    return msgspec.json.encode(
        {
            "id": name,
            "object": "model",
            "created": 0,
            "owned_by": "endpoint-gateway",
            "root": model,
        }
    )


def _only_an_alias(name: str, model: str | None) -> MethodNotAllowed:
    return MethodNotAllowed(
        f"'{name}' is another name of '{model}' in the gateway's configuration. Call it by "
        "its own name to change or delete it; to end the other name, take it out of the "
        "configuration.",
        param="model",
        headers=(("allow", ", ".join(_READING)),),
    )


def shorter_names(path: str) -> list[str]:
    """Return the shorter parts of a path after `/models/` that may be a name, longest first.

    Slashes in a name may be encoded or not: `org/model/endpoints` can be about three models.
    """
    segments = path.split("/")
    ends = range(min(len(segments), MAX_SEGMENTS) - 1, 0, -1)
    return [unquote("/".join(segments[:end])) for end in ends]


def list_reply(cards: Iterable[bytes]) -> ClientReply:
    """Return a model list, of cards in JSON, as OpenAI writes it."""
    return json_reply(b'{"object":"list","data":[' + b",".join(cards) + b"]}")


def model_path(model: str, *, encoded: bool = True) -> str:
    """Return the path of one model's card, below `/v1`; `encoded`: slashes of the name, too."""
    return f"/models/{quote(model, safe=':@' if encoded else ':@/')}"
