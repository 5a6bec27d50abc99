"""Sockets are counted by kind, and the codes that clients make up as one."""

import pytest

from gateway.observe.sockets import SocketCounts


def test_open_and_closed_sockets_are_counted_by_kind() -> None:
    counts = SocketCounts()
    counts.opened("responses")
    counts.opened("responses")
    counts.opened("realtime")
    counts.ended("responses", 1000)
    assert dict(counts.open) == {"responses": 1, "realtime": 1}
    assert dict(counts.closed) == {("responses", "1000"): 1}


@pytest.mark.parametrize(
    ("code", "label"), [(1005, "1005"), (1015, "1015"), (4000, "other"), (0, "other")]
)
def test_codes_are_a_closed_set(code: int, label: str) -> None:
    counts = SocketCounts()
    counts.opened("realtime")
    counts.ended("realtime", code)
    assert dict(counts.closed) == {("realtime", label): 1}
