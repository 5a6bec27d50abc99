"""A warning that is logged once in a while."""

import pytest

from gateway.server.rare_line import LOG_INTERVAL, RareLine


def test_what_is_left_out_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    line = RareLine()
    for seconds in (0.0, 1.0, LOG_INTERVAL - 1, LOG_INTERVAL, 2 * LOG_INTERVAL):
        line.warn(seconds, "closed %d", 7)
    assert caplog.messages == ["closed 7", "closed 7 (2 more since the last such line)", "closed 7"]
