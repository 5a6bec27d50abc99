"""What a row of the tables beside it is made of."""

import re
from dataclasses import dataclass

NAME = r"(?P<name>[A-Za-z_][\w.\[\]]*)"
QUOTED = rf"(?P<quote>[`'\"]){NAME}(?P=quote)"
"""A name in quotation marks of any kind: relays and servers that imitate a text have their own."""
ANY_NAME = rf"(?P<quote>[`'\"])?{NAME}(?(quote)(?P=quote)|(?=\.?(?:$|\n)|[,;] ))"
"""A name in quotation marks, or without any if a sentence or a part of it ends after the name."""
ANY_NAMES = r"(?P<names>[`'\"]?[A-Za-z_][\w.\[\],/& `'\"]*?)"
"""Several names, with any marks or without."""
BETWEEN = r"(?:(?:, ?| )(?:and|or|nor|&) |, ?| ?/ ?)"
"""What stands between names. It matches a text in one way only, or long lists would never end."""


@dataclass(frozen=True, slots=True)
class NamingRule:
    """A text that refuses parameters.

    The pattern's groups: `name` (one name), `names` (several), `literal` (a Python dict, list or
    set of them), `instead` (the name to use), `given` (a refused value). If the text names none,
    `about` lists the parameters it can be about: those that were sent are meant. The same applies
    to a text with `any_of`, which lists all the parameters it could be about. `entry` is the one
    entry of a list that is refused. `value_only`, `unknown`, `by_model`, `beside_others` and
    `beside` mean what they do in `RefusedParameter`.
    """

    pattern: re.Pattern[str]
    serves: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    any_of: bool = False
    value_only: bool = False
    unknown: bool = False
    by_model: bool = False
    entry: str | None = None
    beside_others: bool = False
    beside: str | None = None


def by_model(
    pattern: str,
    *serves: str,
    about: tuple[str, ...] = (),
    any_of: bool = False,
    value_only: bool = False,
    entry: str | None = None,
    beside_others: bool = False,
    beside: str | None = None,
) -> NamingRule:
    """Return the rule for a text that names the model as the reason, in any letter case."""
    compiled = re.compile(pattern, re.IGNORECASE)
    return NamingRule(
        compiled,
        serves,
        about,
        any_of,
        value_only,
        by_model=True,
        entry=entry,
        beside_others=beside_others,
        beside=beside,
    )


def by_server(
    pattern: str, *serves: str, about: tuple[str, ...] = (), unknown: bool = False
) -> NamingRule:
    """Return the rule for a text of a server's schema, which does not look at the model.

    It is read in any letter case, too.
    """
    return NamingRule(re.compile(pattern, re.IGNORECASE), serves, about, unknown=unknown)
