"""How content that the gateway has sealed is found in a request."""

import pytest
from msgspec.json import encode

from gateway.exchange.bodies.seal_marks import SEALING, is_unsealed
from gateway.exchange.stored.seals import Seals
from gateway.shapes import Shape


@pytest.mark.parametrize(
    ("shape", "body", "expected"),
    [
        (Shape.RESPONSES, b'{"encrypted_content":"egs1.x"}', False),
        (Shape.MESSAGES, b'{"signature":"gw1.x"}', False),
        (Shape.RESPONSES, b'{"text":"of egs1. and gw1."}', True),
        (Shape.MESSAGES, b'{"text":"of egs1. and gw1."}', True),
        (Shape.CHAT, b'{"text":"egs1.x"}', True),
        (Shape.COMPLETIONS, b'{"prompt":"gw1.x"}', True),
    ],
)
def test_a_sealed_text_begins_with_its_mark(shape: Shape, body: bytes, *, expected: bool) -> None:
    assert is_unsealed(body, shape) is expected


def test_what_is_sealed_today_is_found() -> None:
    sealed = Seals("secret").of((), None).close({"a": 1})
    assert not is_unsealed(encode({"input": [{"encrypted_content": sealed}]}), Shape.RESPONSES)
    assert set(SEALING) == {shape for shape in Shape if not is_unsealed(b'"egs1."gw1."', shape)}
