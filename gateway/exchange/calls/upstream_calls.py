"""Calls to upstreams, made of clients' calls."""

from collections.abc import Sequence
from typing import Final

from gateway.exchange.bodies.body_pieces import encode_in_pieces
from gateway.exchange.bodies.json_label import labelled_json
from gateway.exchange.bodies.request_fields import Routed, has_any, has_prompt_list, read_routed
from gateway.exchange.bodies.seal_marks import SEALING, is_unsealed
from gateway.headers import joined_list
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route
from gateway.resolve.refusals.betas import BETA_HEADER
from gateway.resolve.refusals.history.earlier_thinking import BETA, is_asked_to
from gateway.shapes import ClientHeaders, Json, RawHeaders, Shape, UpstreamCall
from gateway.translate.limits.server_capabilities import preset

_CHAT: Final = Shape.CHAT
_MESSAGES: Final = Shape.MESSAGES


def upstream_call(call: GenerationRequest, route: Route, shape: Shape, body: bytes) -> UpstreamCall:
    """Return the call that a client's call becomes, with a body for the endpoint of `shape`.

    The query is for that endpoint's maker: `?beta=true`, which Claude Code sends, says nothing to
    OpenAI's.
    """
    query = call.query
    if query and (shape is _MESSAGES) is not (call.shape is _MESSAGES):
        query = b""
    return UpstreamCall(
        route.upstream,
        "POST",
        shape.path,
        body,
        query,
        call.headers if body is call.body else labelled_json(call.headers),
        None,
        route.model_sent,
        timeouts=route.rule.timeouts if route.rule is not None else None,
    )


def translated_call(
    call: GenerationRequest, route: Route, shape: Shape, body: Json
) -> UpstreamCall:
    """Return the `upstream_call` with a body that the gateway has made, and the beta it needs.

    Clients of messages name the betas of their requests themselves.
    """
    made = upstream_call(call, route, shape, encode_in_pieces(body, len(call.body)))
    if call.shape is not _MESSAGES and is_asked_to(body):
        made = made.copy(client_headers=_with_beta(made.client_headers, BETA))
    return made


def _with_beta(headers: RawHeaders, beta: bytes) -> RawHeaders:
    given = [value for name, value in headers if name == BETA_HEADER]
    others = [field for field in headers if field[0] != BETA_HEADER]
    return ClientHeaders([*others, (BETA_HEADER, joined_list([*given, beta]))])


def fits_untouched(
    call: GenerationRequest,
    route: Route,
    shape: Shape,
    watched: frozenset[str],
    routed: Routed | None,
) -> bool:
    """Whether the client's own bytes can be sent.

    They can if the shape and the model's name stay the same, and the body has nothing sealed, no
    field that the model may not take, and no list of prompts that has to be split.
    """
    if shape is not call.shape or route.model_sent != route.model_asked:
        return False
    if watched and has_any(routed or read_routed(call.body), watched):
        return False
    if shape is _CHAT:
        return True
    if shape in SEALING:
        return call.is_unsealed or is_unsealed(call.body, shape)
    able = preset(route.kind, shape)
    return (able.prompt_list and able.token_prompts) or not has_prompt_list(call.body)


def same_calls(calls: Sequence[UpstreamCall], others: Sequence[UpstreamCall]) -> bool:
    """Whether calls have the same paths, queries, header fields and bodies as other ones."""
    return list(map(_said, calls)) == list(map(_said, others))


def _said(call: UpstreamCall) -> tuple[object, ...]:
    return call.path, call.query, call.client_headers, call.body
