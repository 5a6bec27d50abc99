"""What a row of the table of `wrong_endpoint_rules` is made of."""

import re
from dataclasses import dataclass

from gateway.resolve.refusals.destinations import Called, Chooser, Destination


@dataclass(frozen=True, slots=True)
class WrongEndpointRule:
    """A text that refuses an endpoint.

    The pattern's groups: `here` (the endpoint it is about), `there` (the one to use), `also` (one
    that is refused beside the one called), `name` (the model). `calls` are the endpoints of which
    one must have been called; None: any, or the one in `here`. `destination` None: the endpoint in
    `there`, or else all but the one called, in the order that the model's name suggests. `needs` is
    a parameter that must have been sent. If there are `codes`, the error must have one of them.
    """

    pattern: re.Pattern[str]
    destination: Destination | Chooser | None
    serves: tuple[str, ...] = ()
    calls: tuple[Called, ...] | None = None
    needs: str | None = None
    codes: frozenset[str] = frozenset()


def rule(
    pattern: str,
    destination: Destination | Chooser | None,
    *serves: str,
    calls: tuple[Called, ...] | None = None,
    needs: str | None = None,
    codes: tuple[str, ...] = (),
) -> WrongEndpointRule:
    """Return the rule for a text, in any letter case."""
    return WrongEndpointRule(
        re.compile(pattern, re.IGNORECASE), destination, serves, calls, needs, frozenset(codes)
    )
