import pytest

from gateway.shapes import Json
from gateway.translate.schema.responses_input import Item
from gateway.translate.schema.responses_input_list import INPUT


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "a"},
        {"type": None, "role": "user", "content": "a", "id": None},
        {"role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {"id": "a"},
    ],
    ids=str,
)
def test_what_has_no_type_gets_it(item: Json) -> None:
    given = [{"type": "message", "role": "user", "content": "a"}, item]
    checked = INPUT.accept(given, "input")
    assert checked == [given[0], Item().accept(item, "input[1]")]
    assert list(checked[1])[-1] == "type"


def test_a_message_keeps_the_place_of_its_type() -> None:
    item = {"type": "message", "role": "user", "content": "a"}
    assert list(INPUT.accept([item], "input")[0]) == ["type", "role", "content"]
