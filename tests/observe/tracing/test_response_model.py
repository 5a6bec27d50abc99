"""The model that has answered, from what arrived first of a reply."""

import pytest

from gateway.observe.tracing.response_model import response_model, shows_model

LONG = b"x" * 70_000


@pytest.mark.parametrize(
    ("beginning", "model"),
    [
        (b'{"id": "1", "model": "gpt-x", "choices": []}', "gpt-x"),
        (b'{"choices": [{"model": "no"}]}', ""),
        (b'{"model": null}', ""),
        (b'{"model": 7}', ""),
        (b'{"model": "gpt-x", "choi', ""),
        (b'{"text": "' + LONG + b'", "model": "gpt-x"}', ""),
        (b'{"model": "' + LONG[:300] + b'"}', "x" * 256),
        (b'{"model": "\xff"}', ""),
        (b'data: {"model": "gpt-x"}\n\n', "gpt-x"),
        (b': hello\r\n\r\nevent: a\r\ndata:{"model": "gpt-x"}\r\n\r\ndata: {}', "gpt-x"),
        (b'data: {"type": "response.created", "response": {"model": "gpt-x"}}\n\n', "gpt-x"),
        (b'data: {"type": "response.created", "response": {}}\n\n', ""),
        (b'data: {"model": "gpt-x"}', ""),
        (b"data: [DONE]\n\n", ""),
        (b"\x1f\x8b\x08", ""),
        (b"", ""),
    ],
)
def test_the_model_is_found_in_the_beginning_of_a_reply(beginning: bytes, model: str) -> None:
    assert response_model(beginning) == model


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "1", "choices": [{"message": {"content": "Hi"}}], "model": "gpt-x"}',
        b'data: {"model": "gpt-x"}\n\ndata: {"model": "other"}\n\n',
        b': hello\r\n\r\nevent: a\r\ndata:{"model": "gpt-x"}\r\n\r\ndata: {}',
    ],
)
@pytest.mark.parametrize("size", [1, 5, 20, 100])
def test_the_model_is_found_in_however_many_pieces_a_reply_comes(body: bytes, size: int) -> None:
    beginning = b""
    for at in range(0, len(body), size):
        if not shows_model(beginning):
            beginning += body[at : at + size]
    assert response_model(beginning) == "gpt-x"


def test_no_more_is_kept_than_is_looked_at() -> None:
    assert not shows_model(b'{"text": "')
    assert shows_model(b'{"text": "' + LONG)
    assert not shows_model(b"RIFF")
    assert shows_model(b"RIFF" + LONG)
    assert shows_model(b"data: x\n")
