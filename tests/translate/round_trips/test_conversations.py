"""Roles, texts, calls, results and their order arrive between every two shapes, on both paths.

So they do where calls have the ids of earlier ones, or ids that the model's shape does not take.
"""

from collections.abc import Sequence
from itertools import groupby, permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json, Shape
from tests.fakes import error_reply
from tests.translate.round_trips.conversations import (
    WRITTEN,
    Turn,
    conversations,
    what_is_said,
    what_is_sent,
)
from tests.translate.round_trips.exchanges import MODEL
from tests.translate.round_trips.playing import play


@pytest.mark.parametrize(("client", "home"), list(permutations(WRITTEN, 2)))
@given(turns=conversations(), streamed=st.booleans())
def test_all_that_is_said_arrives_in_its_order(
    client: Shape, home: Shape, *, turns: Sequence[Turn], streamed: bool
) -> None:
    request = {"model": MODEL, "stream": streamed, **WRITTEN[client](turns)}
    sent = [_sent(client, home, request, fast=fast) for fast in (True, False)]
    assert sent[0] == sent[1]
    assert _joined(what_is_sent(home, sent[0])) == _joined(what_is_said(turns))


def _sent(client: Shape, home: Shape, request: Json, *, fast: bool) -> Json:
    (sent,), _ = play(client, home, request, lambda *_: error_reply(400, "No."), fast=fast)
    body: Json = msgspec.json.decode(sent)
    return body


def _joined(said: Sequence[Any]) -> list[Any]:
    """Return what is said, with the texts of one side joined: shapes cut them in their own ways."""
    joined: list[Any] = []
    for side, each in groupby(said, key=lambda one: one[0]):
        if side in ("call", "result"):
            joined += each
        else:
            joined.append((side, "|".join(text for _, text in each)))
    return joined
