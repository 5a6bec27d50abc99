"""Which messages requests are common."""

import msgspec
import pytest

from gateway.fast.forms.message_text_requests import read_request
from tests.fast.both_paths import changed
from tests.fast.messages_traffic import BILLING, FULL, LEAST, TEXT


def test_contents_of_one_text_are_strings() -> None:
    read = read_request(msgspec.json.encode(FULL))
    assert read is not None
    request, texts = read
    assert texts == ["Be brief."]
    assert [each.content for each in request.messages] == ["Hi.", "Yes?", "Once"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("messages", [{"role": "user", "content": "a"}] * 2),
        ("messages", [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]),
        ("messages.1.content", [TEXT, TEXT]),
        ("system", BILLING),
        ("system", [{**TEXT, "text": BILLING}]),
    ],
)
def test_what_has_the_form_of_a_common_request_and_is_none(path: str, value: object) -> None:
    assert read_request(msgspec.json.encode(changed(FULL, [(path, value)]))) is None


@pytest.mark.parametrize(
    ("system", "texts"),
    [("", []), ("Be brief.", ["Be brief."]), ([], []), ([TEXT, TEXT], ["Go on.", "Go on."])],
)
def test_the_texts_of_the_instructions(system: object, texts: list[str]) -> None:
    read = read_request(msgspec.json.encode({**LEAST, "system": system}))
    assert read is not None
    assert read[1] == texts
