"""Arguments that are those of several calls, or of half a one."""

from contextlib import suppress
from typing import SupportsIndex

import pytest

from gateway.errors import UpstreamError
from gateway.translate.parts.tools.call_faults import check_arguments

ROWS = ['{"x":1},{"y":2}', '"a""b"', "1 2", '[1],"b"', 'true, {"a":1}', '{} {"a":"}"}\n,', "[][]"]
OTHERS = ["", "{}", "5", '"a"', '{"a":1}</tool_call>', "2024-01-01", "12", '{"a":', "a b", "1 b"]
OTHERS += ['```json\n{"x":1}\n```', "[" * 100_000]


@pytest.mark.parametrize("text", ROWS)
def test_a_row_of_json_texts_is_not_a_call(text: str) -> None:
    with pytest.raises(UpstreamError, match="two tool calls in one"):
        check_arguments("f", text, wrapped=False)


@pytest.mark.parametrize("text", OTHERS)
def test_other_text_is_for_the_client_to_judge(text: str) -> None:
    check_arguments("f", text, wrapped=False)


@pytest.mark.parametrize("text", ['"a""b"', "1 2", "[1], [2]", '{"a":1} 2', '{"input":"a\nb"}'])
def test_a_custom_tools_input_may_be_written_as_it_is(text: str) -> None:
    check_arguments("f", text, wrapped=True)


HALVES = ["{", '{"inp', '{"input"', '{"input":', '{"input":"ab', '{"input":"ab"', '{"input":"a",']
HALVES += ['{"patch":"a', '{"input":"a\\u00', '{"input":["a"', '{"input":"if (x) { y }']


@pytest.mark.parametrize("text", HALVES)
def test_half_a_custom_tools_input_is_not_an_input(text: str) -> None:
    with pytest.raises(UpstreamError, match="tool 'f' ends in the middle of its input"):
        check_arguments("f", text, wrapped=True)
    check_arguments("f", text, wrapped=False)


def test_two_wrapped_inputs_are_two() -> None:
    with pytest.raises(UpstreamError, match="two tool calls in one"):
        check_arguments("f", '{"input":"a"},{"input":"b"}', wrapped=True)


class Copied(str):
    """A text that counts the characters that are copied of it."""

    __slots__ = ("copied",)

    copied: int

    def __getitem__(self, place: SupportsIndex | slice) -> str:
        part = super().__getitem__(place)
        self.copied = getattr(self, "copied", 0) + len(part)
        return part


@pytest.mark.parametrize("repeated", ['"', '""', "{}", "[],", "1 ", '"a"  '])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_long_row_is_read_in_linear_time(repeated: str, wrapped: bool) -> None:
    text = Copied(repeated * 2_000)
    with suppress(UpstreamError):
        check_arguments("f", text, wrapped=wrapped)
    assert getattr(text, "copied", 0) <= len(text)
