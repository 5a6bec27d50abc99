"""Reasoning efforts: their order, and which of those that a server takes is nearest to one."""

from collections.abc import Collection

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All efforts that OpenAI's endpoints know, the least first."""


def nearest_effort(effort: str, taken: Collection[str]) -> str:
    """Return the effort among those taken that is nearest to another one, of two the greater.

    Words that are no known effort stay as they are: what they mean is the server's to say.
    """
    if effort in taken or effort not in EFFORTS:
        return effort
    place = EFFORTS.index(effort)
    by_distance = sorted(
        (abs(EFFORTS.index(other) - place), -EFFORTS.index(other), other)
        for other in taken
        if other in EFFORTS
    )
    return by_distance[0][2] if by_distance else effort
