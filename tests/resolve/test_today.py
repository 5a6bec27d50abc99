from datetime import date

import pytest

from gateway.resolve.today import today


@pytest.mark.parametrize(
    ("seconds", "day"),
    [
        (0, date(1970, 1, 1)),
        (1_795_000_000.5, date(2026, 11, 18)),
        (1_795_046_399, date(2026, 11, 18)),
        (1_795_046_400, date(2026, 11, 19)),
    ],
)
def test_a_day_begins_at_midnight_in_utc(seconds: float, day: date) -> None:
    assert today(lambda: seconds) == day
