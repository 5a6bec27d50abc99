"""What a fast path does not admit."""

import msgspec

from gateway.errors import GatewayError


class Uncommon(Exception):
    """Something that the types admit, and the fast path leaves to the generic one."""


UNCOMMON = (
    Uncommon,
    GatewayError,
    OverflowError,
    RecursionError,
    UnicodeDecodeError,
    msgspec.DecodeError,
)
"""What is raised for anything that is not common; the generic path says what is wrong with it."""
