"""What a route's handler is given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from gateway.demo.accounts import Account
from gateway.demo.call import Call


@dataclass(frozen=True, slots=True)
class Visit:
    """A routed and authenticated request: `path` holds what the route's pattern named."""

    call: Call
    account: Account
    path: Mapping[str, str]


Handler = Callable[[Visit], Awaitable[None]]
"""Answers a request, or raises `Refused` before the head of a reply is sent."""
