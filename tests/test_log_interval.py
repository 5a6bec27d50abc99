"""One line of a kind in a while."""

from gateway.log_interval import LOG_INTERVAL, LogInterval


def test_what_is_left_out_is_counted() -> None:
    interval = LogInterval()
    times = (0.0, 1.0, LOG_INTERVAL - 1, LOG_INTERVAL, 2 * LOG_INTERVAL)
    ends = [interval.next_line(seconds) for seconds in times]
    assert ends == ["", None, None, " (2 more since the last such line)", ""]


def test_a_reset_lets_the_next_line_through_without_a_count() -> None:
    interval = LogInterval()
    assert [interval.next_line(0.0), interval.next_line(1.0)] == ["", None]
    interval.reset()
    assert interval.next_line(2.0) == ""
