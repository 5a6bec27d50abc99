"""Whether an upstream's error says that a model is there, but at another endpoint, and where."""

import re
from collections.abc import Collection
from dataclasses import replace

from gateway.resolve.destinations import TO_CHAT, TO_RESPONSES, Called, Destination
from gateway.resolve.error_envelopes import ErrorReply
from gateway.resolve.wrong_endpoint_rules import WRONG_ENDPOINT_RULES, WrongEndpointRule
from gateway.shapes import Shape

# By the code alone. Copilot's says nothing else; new-api's is said of other conversions too.
_COPILOT_CODE = "unsupported_api_for_model"
_NEW_API_CODE = "convert_request_failed"
_OTHERS = {
    Shape.COMPLETIONS: Destination((Shape.CHAT, Shape.RESPONSES)),
    Shape.CHAT: TO_RESPONSES,
    Shape.RESPONSES: TO_CHAT,
}


def is_unconverted(reply: ErrorReply) -> bool:
    """Whether new-api has no way from the endpoint called to its provider (it says so with 500)."""
    return reply.code == _NEW_API_CODE and reply.message == "not implemented"


def wrong_endpoint(
    reply: ErrorReply, called: Called, model: str, sent: Collection[str]
) -> Destination | None:
    """Return where to go if an error says that the endpoint called is the wrong one, else None."""
    for rule in WRONG_ENDPOINT_RULES:
        match = rule.pattern.match(reply.message)
        if match is not None and _is_about(rule, match, called, sent):
            return _destination(rule, match, called, model)
    if called is not None and reply.code == _COPILOT_CODE:
        return _OTHERS[called]
    if called is Shape.RESPONSES and is_unconverted(reply):
        return TO_CHAT
    return None


def _is_about(
    rule: WrongEndpointRule, match: re.Match[str], called: Called, sent: Collection[str]
) -> bool:
    if rule.needs is not None and rule.needs not in sent:
        return False
    here = match.groupdict().get("here")
    if here is not None:
        return called is _shape_at(here)
    return rule.calls is None or called in rule.calls


def _destination(
    rule: WrongEndpointRule, match: re.Match[str], called: Called, model: str
) -> Destination:
    groups = match.groupdict()
    there = groups.get("there")
    if there is not None:
        destination = Destination((_shape_at(there),))
    elif isinstance(rule.destination, Destination):
        destination = rule.destination
    else:
        destination = rule.destination(groups.get("name") or model)
    return replace(destination, right=tuple(s for s in destination.right if s is not called))


def _shape_at(path: str) -> Shape:
    """Return the shape of a path as `_PATH` finds it, with or without slash and version."""
    return {
        "completions": Shape.COMPLETIONS,
        "chat/completions": Shape.CHAT,
        "responses": Shape.RESPONSES,
    }[path.removeprefix("/").removeprefix("v1/")]
