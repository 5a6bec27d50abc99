"""The chunks of completions streams: what all of them have is what was said of it first."""

import pytest

from gateway.shapes import Json
from gateway.translate.completions_via_chat.chunks import CompletionChunks
from tests.translate.completions_via_chat.chat_backend import make_context

FIRST: Json = {"id": "chatcmpl-1", "created": 7, "model": "m"}


@pytest.mark.parametrize("include_usage", [False, True])
def test_only_a_client_that_wants_the_usage_gets_the_field(*, include_usage: bool) -> None:
    chunks = CompletionChunks(make_context(), keeps_id=True, include_usage=include_usage)
    assert ("usage" in chunks.chunk([])) is include_usage


@pytest.mark.parametrize("keeps_id", [False, True])
def test_the_first_value_of_each_field_is_that_of_all_chunks(*, keeps_id: bool) -> None:
    chunks = CompletionChunks(make_context(), keeps_id=keeps_id, include_usage=False)
    for event in ({"id": "", "created": 0}, FIRST, {"id": "chatcmpl-2", "created": 9}):
        chunks.note(event)
    first = chunks.chunk([])
    assert (first["id"] == "cmpl-1") is keeps_id
    assert (first["object"], first["created"]) == ("text_completion", 7)
    chunks.note({"system_fingerprint": "fp"})
    chunks.note({"system_fingerprint": "other"})
    assert chunks.chunk([]) == {**first, "system_fingerprint": "fp"}
