"""Replies of the legacy endpoints: read as a whole, their errors with the client's names."""

import msgspec
import pytest

from gateway.errors import InvalidRequest, UpstreamError
from gateway.exchange.legacy.replies import (
    RenamedParameters,
    without_body_headers,
)
from tests.exchange.legacy.test_edits import EDIT, EDITOR
from tests.exchange.legacy_scene import LegacyScene, answering, refused
from tests.exchange.scene import chat_completion
from tests.fakes import FakeReply, error_reply


@pytest.mark.parametrize(("status", "shown"), [(409, 429), (429, 429), (500, 502), (422, 400)])
def test_no_status_makes_the_old_library_retry_without_end(status: int, shown: int) -> None:
    reply = error_reply(status, "Busy.")
    reply.headers = (*reply.headers, (b"retry-after", b"3"), (b"x-ratelimit-limit", b"9"))
    error = refused(LegacyScene(answering(reply), rules=(EDITOR,)), "POST", "/edits", EDIT)
    assert error.status == shown
    assert {("retry-after", "3"), ("x-ratelimit-limit", "9")} <= set(error.headers)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"<p>broken</p>", "status 500 and a web page: broken."),
        (b"all is broken", "status 500: all is broken"),
    ],
)
def test_an_error_that_is_not_json_is_shown_in_short(raw: bytes, words: str) -> None:
    wrong = FakeReply(500, ((b"content-type", b"text/html"),), (raw,))
    error = refused(LegacyScene(answering(wrong), rules=(EDITOR,)), "POST", "/edits", EDIT)
    assert isinstance(error, UpstreamError)
    assert words in error.message


def test_a_large_reply_is_read_to_its_end() -> None:
    raw = msgspec.json.encode(chat_completion("x" * 10_000))
    pieces = [raw[i : i + 1000] for i in range(0, len(raw), 1000)]
    reply = FakeReply(200, ((b"content-type", b"application/json"),), pieces)
    result = LegacyScene(answering(reply), rules=(EDITOR,)).ask("POST", "/edits", EDIT)
    assert result.json["choices"][0]["text"] == "x" * 10_000
    assert reply.closed


@pytest.mark.parametrize("raw", [b"<p>", b"[]", b'{"error": "x"}', b'{"error": {"param": null}}'])
def test_errors_that_name_nothing_stay_as_they_are(raw: bytes) -> None:
    reply = FakeReply(409, ((b"content-type", b"application/json"),), (raw,))
    result = LegacyScene(answering(reply)).ask("POST", "/engines/e/embeddings", {"input": "x"})
    assert (result.reply.status, result.body) == (429, raw)


def test_header_fields_describe_the_body_that_is_sent() -> None:
    received = (
        (b"authorization", b"x"),
        (b"content-type", b"text/plain"),
        (b"content-length", b"9"),
    )
    assert without_body_headers(received, body=False) == ((b"authorization", b"x"),)
    written = (*received[:1], (b"content-type", b"application/json"))
    assert without_body_headers(received, body=True) == written


def test_only_the_gateways_errors_get_the_clients_names() -> None:
    def renamed(param: str | None) -> str:
        return f"client.{param}"

    for error in (InvalidRequest("No.", param="a"), ValueError("No.")):
        with pytest.raises(type(error)) as caught, RenamedParameters(renamed):
            raise error
        if isinstance(caught.value, InvalidRequest):
            assert caught.value.param == "client.a"
    with RenamedParameters(renamed):
        pass


def test_a_reply_too_large_to_be_an_error_is_not_read() -> None:
    reply = FakeReply(404, ((b"content-length", b"99999999"),), (b"x" * 100_000,) * 3)
    error = refused(LegacyScene(lambda _: reply), "GET", "/engines/davinci")
    assert isinstance(error, UpstreamError)
    assert reply.closed
    assert reply.delivered == 1
