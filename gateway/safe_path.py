"""Whether a path stays below the base that it is joined to, however often it is decoded."""

import re
from urllib.parse import unquote_to_bytes

from gateway.errors import InvalidRequest

_NOT_IN_A_PATH = re.compile(r"[^\x21-\x7e]|[?#\\]")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_SEPARATORS = re.compile(rb"[/\\]")
_DECODINGS = 8
"""How often something may be encoded. Each time costs a pass, and `%2525…` is cheap to write."""


def check_path(path: str) -> None:
    """Raise `InvalidRequest` for a path that could lead out of its base, or cannot be sent."""
    if not path.startswith("/"):
        raise _invalid("must start with '/'.")
    if _NOT_IN_A_PATH.search(path):
        raise _invalid(
            "contains a character that must be percent-encoded: only printable ASCII without '?', "
            "'#' and backslash is allowed."
        )
    decoded = path.encode("ascii")
    # An upstream may decode more than once, so what matters is what any number of times gives.
    for _ in range(_DECODINGS):
        further = unquote_to_bytes(decoded)
        if _CONTROL.search(further):
            raise _invalid("contains an encoded control character.")
        if any(_is_dots(segment) for segment in _SEPARATORS.split(further)):
            raise _invalid("must not contain '.' or '..' segments.")
        if further == decoded:
            return
        decoded = further
    raise _invalid("is percent-encoded too many times.")


def _is_dots(segment: bytes) -> bool:
    """Whether a segment leads elsewhere: Java's servers take `..;x` for one, with a parameter."""
    return segment.partition(b";")[0] in (b".", b"..")


def _invalid(problem: str) -> InvalidRequest:
    return InvalidRequest(f"The request path {problem}", code="invalid_path")
