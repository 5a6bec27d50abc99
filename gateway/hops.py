"""Detects a gateway's own requests that come back to it: a loop, which would take every slot.

Each request to an upstream carries `x-gateway-hops`: the marks of the gateways that it has passed,
this one's last. Several gateways in a row are fine; one that finds its own mark in a request has
sent it itself, and answers 508. The mark is random and drawn before workers are forked, so they
share it. It is not a credential and does not identify the caller.
"""

import re
import secrets
from typing import Final

from gateway.errors import LoopDetected
from gateway.shapes import RawHeaders

HEADER: Final = b"x-gateway-hops"
"""The field's name. It is sent to every upstream, and to no client."""

MOST_HOPS: Final = 16
"""More gateways than any real chain has: a loop of gateways that do not share their mark, such as
separate processes behind a load balancer."""

MARK: Final = secrets.token_hex(8).encode("ascii")
"""This gateway's mark."""

_MARK = re.compile(rb"[0-9a-f]{16}\Z")


def refuse_loops(headers: RawHeaders, mark: bytes = MARK) -> None:
    """Raise `LoopDetected` for a request that has passed this gateway before, or too many."""
    for name, _ in headers:
        if name == HEADER:
            break
    else:
        return
    passed = marks_in(headers)
    if mark in passed:
        raise LoopDetected(
            "This gateway has sent this request itself: one of its upstreams, or a server behind "
            "one, is the gateway. Its operator must change that upstream's base_url."
        )
    if len(passed) >= MOST_HOPS:
        raise LoopDetected(
            f"This request has already passed {len(passed)} gateways, which indicates a loop. "
            "Their operators must check the base_url of their upstreams."
        )


def marks_in(headers: RawHeaders) -> list[bytes]:
    """Return the marks of the gateways that a request has passed, without malformed ones."""
    listed = [value for name, value in headers if name == HEADER]
    marks = [mark.strip() for value in listed for mark in value.split(b",")]
    return [mark for mark in marks if _MARK.match(mark)]


def passing_on(headers: RawHeaders, mark: bytes = MARK) -> bytes:
    """Return the field's value for the upstream of a request with these headers."""
    return b", ".join([*marks_in(headers)[-MOST_HOPS:], mark])
