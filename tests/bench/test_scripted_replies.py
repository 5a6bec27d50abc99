"""Replies of the soak's upstream: what its clients expect of them is in them."""

import pytest

from bench.scripted_replies import WORD, events, whole
from bench.soak_ledger import Expected
from bench.wire import Reply
from gateway.shapes import Shape


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_reply_is_what_a_client_of_its_shape_expects(shape: Shape, streamed: bool) -> None:
    pieces = ["17 ", *[WORD] * 3]
    told, end = events(shape, pieces)
    body = b"".join([*told, end]) if streamed else whole(shape, "".join(pieces))
    Expected("good", "17", 3, shape, streamed).check(Reply(200, {}, body))
