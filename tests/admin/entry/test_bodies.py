"""The bodies of requests to the operators' listener."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request

from gateway.admin.entry import bodies
from gateway.admin.entry.bodies import read_body, read_form, read_json, text_in
from gateway.errors import InvalidRequest, PayloadTooLarge


def read(
    reader: Callable[[Request], Awaitable[Any]], *chunks: bytes, kind: str = "application/json"
) -> Any:
    """Read a body that comes in these chunks."""
    messages = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]

    async def receive() -> Any:
        return messages.pop(0)

    headers = [(b"content-type", kind.encode())]
    return asyncio.run(_awaited(reader(Request({"type": "http", "headers": headers}, receive))))


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def test_a_body_may_come_in_pieces_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY", 4)
    assert read(read_body, b"ab", b"", b"cd") == b"abcd"
    with pytest.raises(PayloadTooLarge):
        read(read_body, b"ab", b"cde")


def test_json_is_an_object_and_says_so() -> None:
    assert read(read_json, b'{"a":1}', kind="application/json; charset=utf-8") == {"a": 1}
    for body, kind in ((b"[]", "application/json"), (b"{", "application/json")):
        with pytest.raises(InvalidRequest):
            read(read_json, body, kind=kind)
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        with pytest.raises(InvalidRequest, match="content-type"):
            read(read_json, b'{"a":1}', kind=kind)


def test_a_form_has_the_last_value_of_each_field() -> None:
    assert read(read_form, b"token=a%20b&x=1&x=2&empty=") == {"token": "a b", "x": "2"}
    assert read(read_form, b"\xff\xfe") == {}


def test_texts_are_texts() -> None:
    assert text_in({"a": "b"}, "a") == "b"
    assert text_in({}, "a") == ""
    with pytest.raises(InvalidRequest) as refused:
        text_in({"a": 1}, "a")
    assert refused.value.param == "a"
