"""Whether an upstream's error says that a model lives at another endpoint, and at which."""

import re
from collections.abc import Collection
from dataclasses import replace

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.resolve.refusals.destinations import (
    NOWHERE,
    TO_CHAT,
    TO_RESPONSES,
    Called,
    Destination,
    at,
    remaining,
)
from gateway.resolve.refusals.endpoint_rule import WrongEndpointRule
from gateway.resolve.refusals.endpoint_words import Home, home_named
from gateway.resolve.refusals.wrong_endpoint_rules import WRONG_ENDPOINT_RULES
from gateway.shapes import Shape

# Copilot's code is enough, whatever its text.
_COPILOT_CODE = "unsupported_api_for_model"
_OTHERS = {
    Shape.COMPLETIONS: Destination((Shape.CHAT, Shape.RESPONSES)),
    Shape.CHAT: TO_RESPONSES,
    Shape.RESPONSES: TO_CHAT,
    Shape.MESSAGES: Destination((Shape.RESPONSES, Shape.CHAT)),
}
_BY_CODE = tuple(rule for rule in WRONG_ENDPOINT_RULES if rule.codes)


def is_unconverted(reply: ErrorDetails) -> bool:
    """Whether new-api lacks the conversion from the endpoint called to its provider (a 500)."""
    return any(reply.code in rule.codes and rule.pattern.match(reply.message) for rule in _BY_CODE)


def wrong_endpoint(
    reply: ErrorDetails, called: Called, model: str, sent: Collection[str]
) -> Destination | None:
    """Return the destination if an error says that the endpoint called is wrong, else None."""
    for rule in WRONG_ENDPOINT_RULES:
        if rule.codes and reply.code not in rule.codes:
            continue
        match = rule.pattern.match(reply.message)
        if match is not None and _is_about(rule, match, called, sent):
            return _destination(rule, match, called, model)
    if called is not None and reply.code == _COPILOT_CODE:
        return _OTHERS[called]
    return None


def _is_about(
    rule: WrongEndpointRule, match: re.Match[str], called: Called, sent: Collection[str]
) -> bool:
    if rule.needs is not None and rule.needs not in sent:
        return False
    here, there, also = (_home(match, group) for group in ("here", "there", "also"))
    if here is not None:
        return here is called if isinstance(here, Shape) else called is None
    if called is not None and there is called:
        return False
    if also is not None and not isinstance(also, Shape):
        return False
    return rule.calls is None or called in rule.calls


def _destination(
    rule: WrongEndpointRule, match: re.Match[str], called: Called, model: str
) -> Destination:
    name = match.groupdict().get("name") or model
    there, also = _home(match, "there"), _home(match, "also")
    if there is not None:
        by_request = (
            isinstance(rule.destination, Destination) and rule.destination.request_dependent
        )
        destination = replace(at(there), request_dependent=by_request)
    elif isinstance(rule.destination, Destination):
        destination = rule.destination
    elif rule.destination is not None:
        destination = rule.destination(name)
    elif called is None:
        destination = NOWHERE
    else:
        destination = remaining(name, *(home for home in (also,) if isinstance(home, Shape)))
    return replace(
        destination, alternatives=tuple(s for s in destination.alternatives if s is not called)
    )


def _home(match: re.Match[str], group: str) -> Home | None:
    found = match.groupdict().get(group)
    return home_named(found) if found is not None else None
