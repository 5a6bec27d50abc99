"""MiniMax' errors: every reply has `base_resp`, whose `status_code` is 0 unless it has failed.

They come with status 200, whole and as an event of a stream, with `choices` that are null or empty.
"""

from typing import Final

from gateway.envelopes.upstream_json import NOT_JSON, decode
from gateway.shapes import Json

SIGN: Final = b'"base_resp"'
"""The bytes that a body with such a number has."""
_SUCCESS = 0
_RESULTS = ("choices", "output", "content", "data", "vectors")
_STATUSES = {
    1001: 504,
    **dict.fromkeys((1004, 2049), 401),
    1008: 402,
    **dict.fromkeys((1026, 1027, 1042, 2013), 400),
    **dict.fromkeys((1002, 1039, 1041, 2045, 2056), 429),
}
"""The statuses behind the published numbers, except its own faults (1000, 1024, 1033) and those of
its API for voices. 1026 and 1027 are about content, and what 1039 limits are tokens per minute:
after them, as after 1041, 2045 and 2056, it says that a request is to be sent again later."""


def has_failed(body: Json) -> bool:
    """Whether a decoded body, or an event, has the number of an error, and no result."""
    return number_in(body) not in (None, _SUCCESS) and not any(map(body.get, _RESULTS))


def is_one(body: bytes) -> bool:
    """Whether JSON is such an error."""
    if SIGN not in body:
        return False
    try:
        decoded = decode(body)
    except NOT_JSON:
        return False
    return isinstance(decoded, dict) and has_failed(decoded)


def is_success(holder: Json) -> bool:
    """Whether the object in `base_resp` says that a reply is no error."""
    return holder.get("status_code") == _SUCCESS


def number_in(body: Json) -> int | None:
    """Return the number that a body has in `base_resp`; None: it has none."""
    base = body.get("base_resp")
    number = base.get("status_code") if isinstance(base, dict) else None
    return number if type(number) is int else None


def status_of(body: Json) -> int | None:
    """Return the status that an error would have had; None: it has no number of a known one."""
    number = number_in(body)
    return None if number is None else _STATUSES.get(number)
