"""Requests of the benches that count what stays behind."""

import json

import pytest

from bench import bodies
from gateway.shapes import Shape
from gateway.translate.contract import Context
from gateway.translate.plan import can_translate, plan

PAIRS = [(a, b) for a in Shape for b in Shape if can_translate(a, b)]


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_every_pair_takes_a_request_of_any_size(client: Shape, home: Shape) -> None:
    body = bodies.generation(client, "m", 2_000, streamed=True, first=b"#1#")
    assert 1_900 < len(body) < 2_100
    (sent,) = plan(client, home, json.loads(body), Context("m", "m")).calls
    assert "#1#" in json.dumps(sent)
