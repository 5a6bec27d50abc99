import pytest

from gateway.servers.efforts import EFFORTS, nearest_effort


@pytest.mark.parametrize("effort", [*EFFORTS, "dynamic"])
def test_an_effort_that_is_taken_or_unknown_stays(effort: str) -> None:
    assert nearest_effort(effort, EFFORTS) == effort


@pytest.mark.parametrize(
    ("effort", "taken", "nearest"),
    [
        ("minimal", {"none", "low"}, "low"),
        ("max", {"low", "high"}, "high"),
        ("none", {"high", "max"}, "high"),
        ("xhigh", {"high", "max"}, "max"),
        ("xhigh", {"on", "off"}, "xhigh"),
    ],
)
def test_another_effort_becomes_the_nearest(effort: str, taken: set[str], nearest: str) -> None:
    assert nearest_effort(effort, taken) == nearest
