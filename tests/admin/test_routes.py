"""Which handler takes a request to the operators' listener; errors are JSON, whatever they are."""

import asyncio
import errno
from typing import Any

import pytest
from starlette.requests import Request

from gateway.admin.entry.access import Access
from gateway.admin.routes import Operation, routed
from gateway.config.operator_settings import AdminSettings
from tests.admin.listener import TOKEN, Admin
from tests.server.test_serving import Running


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", "/nothing", 404, "unknown_url", "GET / lists what there is"),
        ("GET", "/learned/more", 404, "unknown_url", "GET / lists what there is"),
        ("GET", "/learned//more", 404, "unknown_url", "GET / lists what there is"),
        ("POST", "/nothing", 404, "unknown_url", "GET / lists what there is"),
        ("GET", "/page", 404, "unknown_url", "GET / lists what there is"),
        ("GET", "/page/", 404, "unknown_url", "no such file"),
        ("GET", "/page/nothing.js", 404, "unknown_url", "no such file"),
        ("GET", "/forget", 405, "method_not_allowed", "Call this path with POST."),
        ("DELETE", "/learned", 405, "method_not_allowed", "Call this path with GET, HEAD."),
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_what_there_is_not_is_said_as_json(
    method: str, path: str, status: int, code: str, message: str, token: None
) -> None:
    reply = Admin(token).send(method, path)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, code)
    assert message in error["message"]
    assert reply.headers.get("allow", "") in error["message"]
    assert ("allow" in reply.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/upstreams", "/upstreams/"])
def test_a_slash_at_the_end_does_not_matter_nor_do_head_and_get_differ(path: str) -> None:
    for method in ("GET", "HEAD"):
        assert Admin().send(method, path).status_code == 200
        assert Admin(TOKEN).send(method, path).status_code == 401


@pytest.mark.parametrize(
    ("failure", "status", "text"),
    [
        (RuntimeError("a bug"), b"500 ", b'"The gateway itself failed. '),
        (OSError(errno.EMFILE, "Too many open files"), b"503 ", b'"code":"exhausted"'),
    ],
)
def test_what_fails_inside_is_said_as_json_too(
    failure: Exception, status: bytes, text: bytes
) -> None:
    async def fail(_: Request) -> Any:
        raise failure

    async def scenario() -> bytes:
        running = Running(routed({"/x": Operation("GET", fail)}, Access(AdminSettings())))
        received = await running.exchange(
            b"GET /x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )
        await running.end()
        return received

    received = asyncio.run(scenario())
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"content-type: application/json" in received
    assert text in received
