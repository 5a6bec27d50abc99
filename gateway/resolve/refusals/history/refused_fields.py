"""Fields within messages and tools that an endpoint refuses, by their paths."""

import re

from gateway.resolve.refusals.history.hints import CACHE, refused_hint
from gateway.shapes import Shape

_REFUSED = re.compile(
    r"messages\[\d{1,6}\]\."
    r"(reasoning(?:_content|_details|_text|_opaque)?|thinking(?:_blocks)?|thought_signature|"
    r"extra_content|provider_specific_fields)\Z"
)
_REFUSED_MARK = re.compile(rf"(?:messages|tools)\[\d{{1,6}}\][\w.\[\]]{{0,100}}\.{CACHE}\Z")


def refused_field(param: str, called: Shape | None) -> str | None:
    """Return the name of the field or hint that a path leads to; None: another parameter."""
    if called is Shape.MESSAGES:
        return refused_hint(param)
    if called is not Shape.CHAT:
        return None
    if _REFUSED_MARK.match(param):
        return CACHE
    found = _REFUSED.match(param)
    return None if found is None else found[1]
