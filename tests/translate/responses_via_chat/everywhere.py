"""Replies that must become the same response whole and streamed."""

from typing import Any

from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    chunk,
    completion,
    replied,
    stream_of,
)

WEB = "https://a.test/b.png"
PNG = "data:image/png;base64,QUJD"


def everywhere(content: Any = None, finish: str = "stop", **message: Any) -> Json:
    """Return the response to a message, which is the same whole and streamed."""
    whole = replied(completion(content, finish, **message))
    last = stream_of([chunk(content, **message), chunk(None, finish)])[-1]["response"]
    assert _without_ids(last["output"]) == _without_ids(whole["output"])
    assert {k: last.get(k) for k in _COMPARED} == {k: whole.get(k) for k in _COMPARED}
    return whole


_COMPARED = ("status", "incomplete_details", "native_finish_reason", "content_parts")


def _without_ids(output: list[Json]) -> list[Json]:
    return [{k: v for k, v in item.items() if k != "id"} for item in output]
