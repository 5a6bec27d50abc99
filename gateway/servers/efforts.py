"""Reasoning efforts: their order, and the nearest that a server takes."""

from collections.abc import Collection

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All efforts that OpenAI's endpoints know, the least first."""


def nearest_effort(effort: str, taken: Collection[str]) -> str:
    """Return the nearest effort that is taken; of two that are equally near, the greater.

    Unknown words are left as they are: their meaning is the server's.
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
