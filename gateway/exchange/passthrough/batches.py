"""Models in batches of messages (`POST /v1/messages/batches`): each request names its own.

A batch goes to one upstream and is not translated, so all its models must lead to the same
upstream. Everything in the requests but the models stays as the client wrote it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from gateway.config.settings import ModelRule, Settings
from gateway.errors import InvalidRequest
from gateway.exchange import client_warnings
from gateway.exchange.bodies.context_marks import bare_name
from gateway.exchange.bodies.unreadable_body import UNREADABLE
from gateway.exchange.decision import Decision
from gateway.exchange.models.lists import in_pieces
from gateway.exchange.restricted.allowed_models import check_allowed
from gateway.request import Request
from gateway.resolve.resolver import Resolver
from gateway.shapes import Shape

PATH = "/messages/batches"

_Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(_Members).decode
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.encode


@dataclass(slots=True)
class RoutedBatch:
    """A batch as its upstream gets it; `upstream` is None if no rule says where its models live."""

    body: bytes
    """The batch with the upstream's names of the models."""
    upstream: str | None = None
    param: str = ""
    """The parameter of the request whose model has decided on the upstream."""


class Batches:
    """Finds where the models of batches live, by the configuration alone."""

    def __init__(self, settings: Settings, resolver: Resolver) -> None:
        self._settings = settings
        self._resolver = resolver

    async def route(self, call: Request, body: bytes, decision: Decision) -> RoutedBatch:
        """Return a batch and its upstream; an invalid batch is unchanged, for upstreams to refuse.

        Raises `InvalidRequest` for a model that cannot be reached by a batch, or not by this one,
        and `PermissionDenied` for a model that the client may not use.
        """
        batch = RoutedBatch(body)
        try:
            outer = _members(body)
            entries = _list(outer.get("requests", b"[]"))
        except UNREADABLE:
            return batch
        renamed = False
        async for piece in in_pieces(list(enumerate(entries))):
            for position, asked, request in _requests_of(piece):
                param = f"requests[{position}].params.model"
                bare = bare_name(asked, self._resolver.rules)
                check_allowed(call.client, bare, param)
                sent = self._name_to_send(bare, param, batch, decision)
                if sent != asked:
                    entries[position] = _with_model(request, sent)
                    renamed = True
        if renamed:
            batch.body = _encode({**outer, "requests": entries})
        return batch

    def _name_to_send(self, model: str, param: str, batch: RoutedBatch, decision: Decision) -> str:
        """Return the upstream's name of a model, and note the upstream in the batch."""
        served = self._resolver.redirected(model) or model
        decision.warn(client_warnings.redirect_warning(model, served))
        rule = self._resolver.rule_for(served)
        if rule is None:
            return served
        self._check_endpoint(model, param, rule)
        if rule.upstream is not None and batch.upstream is None:
            batch.upstream, batch.param = rule.upstream, param
        if rule.upstream not in (None, batch.upstream):
            raise _unfit(
                param,
                f"the model '{model}' and that of {batch.param} live at different upstreams. Send "
                "a batch for each",
            )
        return rule.model_for(served) or served

    def _check_endpoint(self, model: str, param: str, rule: ModelRule) -> None:
        """Raise `InvalidRequest` if a rule leads to another endpoint than messages."""
        lacking = False
        if rule.upstream is not None:
            upstream = self._settings.upstream(rule.upstream)
            lacking = Shape.MESSAGES in upstream.kind.lacks and upstream.messages_url is None
        if lacking or (rule.endpoints and Shape.MESSAGES not in rule.endpoints):
            raise _unfit(
                param,
                f"the model '{model}' does not live at a messages endpoint, and batches are not "
                "translated. Send its requests one by one to /v1/messages",
            )


def _unfit(param: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"'{param}' cannot be served: {reason}.", param=param)


def _requests_of(
    entries: Sequence[tuple[int, msgspec.Raw]],
) -> Iterator[tuple[int, str, _Members]]:
    """Yield the requests that name a model, with their positions and names."""
    for position, entry in entries:
        try:
            request = _members(entry)
            asked = _text(_members(request["params"])["model"])
        except (*UNREADABLE, KeyError):
            continue
        if asked:
            yield position, asked, request


def _with_model(request: _Members, model: str) -> msgspec.Raw:
    params = {**_members(request["params"]), "model": msgspec.Raw(_encode(model))}
    return msgspec.Raw(_encode({**request, "params": params}))
