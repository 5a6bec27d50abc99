"""The exceptions for requests that a fast path does not admit."""

import msgspec

from gateway.errors import GatewayError


class Uncommon(Exception):
    """A request that the types admit, but that the fast path leaves to the generic path."""


UNCOMMON = (
    Uncommon,
    GatewayError,
    OverflowError,
    RecursionError,
    UnicodeDecodeError,
    msgspec.DecodeError,
)
"""The exceptions for any request that is not common; only the generic path says what is wrong."""
