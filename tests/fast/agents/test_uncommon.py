"""What a fast path does not admit."""

import msgspec

from gateway.errors import InvalidRequest
from gateway.fast.agents.uncommon import UNCOMMON, Uncommon


def test_whatever_a_request_is_refused_for_is_not_common() -> None:
    wrong = (Uncommon(), InvalidRequest("x"), msgspec.ValidationError(), RecursionError())
    assert all(isinstance(each, UNCOMMON) for each in wrong)
