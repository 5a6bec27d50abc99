"""Fields put together from deltas."""

from gateway.shapes import Json
from gateway.translate.stream.folding.fields import add_delta


def message(*deltas: Json) -> Json:
    made: Json = {}
    for delta in deltas:
        add_delta(made, delta)
    return made


def test_texts_go_on_and_roles_do_not() -> None:
    assert message(
        {"role": "assistant", "refusal": "", "phase": "commentary"},
        {"role": "assistant", "refusal": "a", "reasoning_content": "x"},
        {"refusal": "b", "reasoning_content": "y", "phase": "commentary"},
        {"refusal": None},
    ) == {"role": "assistant", "refusal": "ab", "reasoning_content": "xy", "phase": "commentary"}


def test_lists_grow_and_what_changes_its_kind_is_the_last() -> None:
    assert message({"images": [1], "y": [1], "x": 1}, {"images": [2], "y": "a", "x": 2}) == {
        "images": [1, 2],
        "y": "a",
        "x": 2,
    }


def test_so_is_an_object_in_the_place_of_a_text() -> None:
    odd: Json = {"role": {"a": 1}, "refusal": {"b": [1]}, "images": {"c": 1}}
    before: Json = {"role": "assistant", "refusal": "a", "images": [1]}
    assert message(before, odd) == odd
    assert message(odd, before) == before


def test_objects_are_joined_and_their_texts_go_on() -> None:
    assert message(
        {"audio": {"id": "a", "transcript": "x"}},
        {"audio": {"transcript": "y", "data": "d", "expires_at": 5}},
        {"audio": {"id": "", "data": "e"}},
    ) == {"audio": {"id": "a", "transcript": "xy", "data": "de", "expires_at": 5}}
