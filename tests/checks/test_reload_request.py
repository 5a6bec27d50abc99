"""`gateway reload` finds the admin listener, and says what it has replied."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gateway.checks.reload_request import AdminPlace, NotReached, admin_place, ask_to_reload
from gateway.config.changes import ReloadResult
from gateway.config.checks.problems import ConfigError


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[tuple[AdminPlace, list[str | None]]]:
    tokens: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            tokens.append(self.headers["x-admin-token"])
            self.send_response(status if self.path == "/reload" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        try:
            yield AdminPlace("127.0.0.1", server.server_port, "t"), tokens
        finally:
            thread.join()


def written(folder: Path, text: str) -> Path:
    path = folder / "gateway.yaml"
    path.write_text(text)
    return path


def test_the_listener_is_that_of_the_configuration(tmp_path: Path) -> None:
    assert admin_place(None, {}) == AdminPlace("127.0.0.1", 9090, "")
    (tmp_path / "token").write_text("secret\n")
    path = written(tmp_path, 'admin: {host: "::", port: 1, token: "${file:token}"}\nnonsense: 1')
    assert admin_place(path, {}) == AdminPlace("::1", 1, "secret")
    environ = {"GATEWAY_ADMIN__PORT": "2"}
    assert admin_place(path, environ).port == 2
    assert admin_place(path, {}, "http://h:5") == AdminPlace("h", 5, "secret")
    assert admin_place(None, {}, "http://h").port == 80
    for url, before in (("/", ""), ("/admin/", "/admin"), ("/reload", ""), ("/a/reload", "/a")):
        assert admin_place(None, {}, f"http://h{url}").path == before


def test_this_machine_is_called_by_any_name_and_others_by_their_own(tmp_path: Path) -> None:
    here = admin_place(written(tmp_path, "admin: {tls: true, port: 1}"), {})
    assert here.tls is not None
    assert here.tls.verify_mode == ssl.CERT_NONE
    there = admin_place(None, {}, "https://h")
    assert there.port == 443
    assert there.tls is not None
    assert there.tls.verify_mode == ssl.CERT_REQUIRED
    assert there.tls.check_hostname
    with pytest.raises(NotReached, match="refused"):
        ask_to_reload(there._replace(host="127.0.0.1", port=1))


@pytest.mark.parametrize(
    ("text", "url", "reason"),
    [
        ("admin: {enabled: false}", None, "send SIGHUP"),
        ("admin: {port: 0}", None, "name it with --url"),
        ("", "ftp://h", "--url must start with http:// or https://; write the admin listener's"),
        ("", "here", "--url must start with"),
        ("", "", "--url must be a URL"),
        ("", "http://a b", "--url must be a URL"),
        ("", "http://h:99999", "--url is not a URL"),
        ("", "http://h:port", "--url is not a URL"),
        ("", "http://[::1", "--url is not a URL"),
    ],
)
def test_what_cannot_be_known_is_said(
    tmp_path: Path, text: str, url: str | None, reason: str
) -> None:
    with pytest.raises(NotReached, match=reason):
        admin_place(written(tmp_path, text), {}, url)


def test_a_section_that_is_wrong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"admin\.port"):
        admin_place(written(tmp_path, "admin: {port: x}"), {})


def test_a_file_that_is_not_yaml_is_a_problem_unless_it_names_the_listener(tmp_path: Path) -> None:
    named = written(tmp_path, "admin: {port: 1, token: t}\nupstreams: [\n")
    assert admin_place(named, {}) == AdminPlace("127.0.0.1", 1, "t")
    path = written(tmp_path, "upstreams: [\n")
    with pytest.raises(ConfigError, match="is not YAML"):
        admin_place(path, {})
    assert admin_place(path, {"GATEWAY_ADMIN__PORT": "2"}).port == 2
    assert admin_place(path, {}, "http://h:5") == AdminPlace("h", 5, "")


def test_the_reply_is_handed_on() -> None:
    with answering(b'{"reloaded": false, "message": "no"}', 422) as (place, tokens):
        assert ask_to_reload(place) == ReloadResult(done=False, text="no")
    assert tokens == ["t"]
    with answering(b'{"reloaded": true, "message": "yes"}') as (place, tokens):
        assert ask_to_reload(place._replace(token="")).done
    assert tokens == [None]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": {"message": "token"}}', "status 403: token"),
        (b"<html>", "is not a gateway"),
        (b"{}", "is not a gateway"),
        (b"[]", "is not a gateway"),
    ],
)
def test_other_replies_are_reported(body: bytes, reason: str) -> None:
    with answering(body, 403) as (place, _), pytest.raises(NotReached, match=reason):
        ask_to_reload(place)


def test_a_token_that_has_changed_needs_a_signal() -> None:
    body = b'{"error": {"message": "token"}}'
    reason = "admin.token is not that of this configuration; send SIGHUP"
    with answering(body, 401) as (place, _), pytest.raises(NotReached, match=reason):
        ask_to_reload(place)


def test_a_token_that_was_not_given_is_asked_for() -> None:
    body = b'{"error": {"message": "token"}}'
    with (
        answering(body, 401) as (place, _),
        pytest.raises(NotReached, match="set GATEWAY_ADMIN__TOKEN"),
    ):
        ask_to_reload(place._replace(token=""))


def test_another_listener_is_told_from_that_for_operators() -> None:
    body = b'{"error": {"message": "Set the base URL to end in /v1."}}'
    with answering(body, 404) as (place, _), pytest.raises(NotReached) as refusal:
        ask_to_reload(place)
    assert "admin.host and admin.port" in str(refusal.value)
    assert "/v1" not in str(refusal.value)


def test_a_listener_without_tls_is_said_to_have_none() -> None:
    with answering(b"") as (place, _), pytest.raises(NotReached, match=r"no TLS there \(http://"):
        ask_to_reload(place._replace(tls=ssl.create_default_context()))


def test_where_nothing_listens_that_is_said() -> None:
    with pytest.raises(NotReached, match="port 1: the connection was refused; is the"):
        ask_to_reload(AdminPlace("127.0.0.1", 1, ""))
