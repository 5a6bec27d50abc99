"""Content parts in the forms of OpenAI's endpoints."""

from gateway.translate.parts.from_messages.blocks.forms import CHAT, RESPONSES
from gateway.translate.schema.chat_messages import PARTS as CHAT_PARTS
from gateway.translate.schema.responses_input import PARTS as RESPONSES_PARTS


def test_parts_are_what_each_endpoint_takes() -> None:
    for form, known in ((CHAT, CHAT_PARTS), (RESPONSES, RESPONSES_PARTS)):
        made = [form.text("t"), form.image("u"), form.file("n", "d")]
        for part in made:
            assert known[part["type"]].accept(part, "part") == part
    assert CHAT.file("n", "d")["file"] == {"filename": "n", "file_data": "d"}
    assert RESPONSES.image("u") == {"type": "input_image", "image_url": "u", "detail": "auto"}


def test_only_responses_take_the_url_of_a_file() -> None:
    assert CHAT.file_url is None
    assert RESPONSES.file_url is not None
    assert RESPONSES.file_url("u") == {"type": "input_file", "file_url": "u"}
