"""Numbers keep their text."""

import msgspec
import pytest

from gateway.fast.agents.numbers import Literal, encode, number_of
from gateway.fast.agents.uncommon import Uncommon

decode = msgspec.json.Decoder(float_hook=Literal).decode


@pytest.mark.parametrize(
    "written", [b"[1.10,-0.0,1e5,3]", b'{"a":[0.1000000000000000055511151231]}']
)
def test_numbers_are_sent_as_they_were_written(written: bytes) -> None:
    assert encode(decode(written)) == written


def test_one_that_is_too_large_is_uncommon() -> None:
    assert number_of(decode(b"1.50")) == 1.5
    with pytest.raises(Uncommon):
        decode(b"[1e400]")
    with pytest.raises(Uncommon):
        number_of(object())
