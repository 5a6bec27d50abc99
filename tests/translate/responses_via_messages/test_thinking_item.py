import pytest

from gateway.shapes import Json
from gateway.translate.parts.messages.signatures import open_sealed
from gateway.translate.responses_via_messages.thinking_item import ThinkingCarrier
from tests.translate.messages_upstreams import context, sealing, thinking

REDACTED: Json = {"type": "redacted_thinking", "data": "xx"}


@pytest.mark.parametrize("block", [thinking("hm"), REDACTED])
def test_a_block_comes_back_whole(block: Json) -> None:
    of = sealing()
    carrier = ThinkingCarrier("summary", of, demanded=True)
    carrier.block = {name: "" if name == "thinking" else each for name, each in block.items()}
    for piece in block.get("thinking", ""):
        carrier.add_text(("thinking",), piece)
    sealed = carrier.sealed(of)
    assert sealed is not None
    assert open_sealed(sealed, "", of) == block
    assert carrier.is_ready


@pytest.mark.parametrize(
    ("block", "demanded", "seals"),
    [
        (thinking("hm", ""), True, True),
        ({"type": "thinking"}, True, True),
        ({"type": "redacted_thinking"}, True, True),
        (thinking("hm"), False, True),
        (thinking("hm"), True, False),
    ],
)
def test_nothing_is_sealed_that_cannot_come_back(block: Json, demanded: bool, seals: bool) -> None:
    of = sealing() if seals else context()
    carrier = ThinkingCarrier("text", of, demanded=demanded)
    carrier.block = block
    assert carrier.sealed(of) is None
