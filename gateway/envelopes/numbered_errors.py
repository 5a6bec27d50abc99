"""MiniMax' errors: every reply has `base_resp`, whose `status_code` is 0 unless there is an error.

An error comes with status 200, as a whole reply or as an event of a stream, and its `choices` are
null or empty.
"""

from typing import Final

from gateway.envelopes.upstream_json import NOT_JSON, decode
from gateway.shapes import Json

SIGN: Final = b'"base_resp"'
"""Bytes in every body with such a number."""
_SUCCESS = 0
_RESULTS = ("choices", "output", "content", "data", "vectors")
_STATUSES = {
    1001: 504,
    **dict.fromkeys((1004, 2049), 401),
    1008: 402,
    **dict.fromkeys((1026, 1027, 1042, 2013), 400),
    **dict.fromkeys((1002, 1039, 1041, 2045, 2056), 429),
}
"""The statuses that the published numbers stand for, except MiniMax' own faults (1000, 1024, 1033)
and numbers of its API for voices. 1026 and 1027 are about content. 1039 is a limit of tokens per
minute: after it, as after 1041, 2045 and 2056, requests are to be sent again later."""


def has_failed(body: Json) -> bool:
    """Whether a decoded body, or an event, has the number of an error, and no result."""
    return number_in(body) not in (None, _SUCCESS) and not any(map(body.get, _RESULTS))


def is_one(body: bytes) -> bool:
    """Whether the JSON of a body is an error of MiniMax'."""
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
    """Return the status that an error's number stands for; None: no number, or an unknown one."""
    number = number_in(body)
    return None if number is None else _STATUSES.get(number)
