"""A request for which the gateway has no descriptor gives back the one of its client."""

import errno

import pytest

from gateway.upstream.transport.dial import Dialer
from tests.door.doors import (
    CHAT,
    COMPLETIONS,
    FILES,
    MULTIPART,
    chat,
    connect,
    door,
    prompt,
    upload,
)


async def _none_left(*_: object) -> None:
    raise OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        (CHAT, chat(), "application/json"),
        (CHAT, chat(stream=True), "application/json"),
        (COMPLETIONS, prompt(), "application/json"),
        (COMPLETIONS, prompt(stream=True), "application/json"),
        (FILES, upload(100_000), MULTIPART),
    ],
)
def test_the_connection_closes(
    monkeypatch: pytest.MonkeyPatch, path: str, body: bytes, kind: str
) -> None:
    with door() as both, connect(both.base_url) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Dialer, "_connect_to", _none_left)
            client.request("POST", path, body, content_type=kind)
            reply = client.reply()
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert reply.headers["connection"] == "close"
        assert client.ended()
        assert both.served()
