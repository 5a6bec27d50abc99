"""Requests that no route should see."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.api import guard
from gateway.errors import GatewayError
from gateway.request import Head
from gateway.shapes import ClientHeaders

HOST = (b"host", b"gateway.test:8080")


def head(
    method: str = "GET",
    path: str = "/v1/models",
    query: bytes = b"",
    headers: Sequence[tuple[bytes, bytes]] = (HOST,),
) -> Head:
    return Head(method, path.encode("latin-1"), query, ClientHeaders(headers))


def status(hosts: frozenset[str] = frozenset(), **changes: Any) -> int:
    try:
        guard.check(head(**changes), hosts)
    except GatewayError as error:
        return error.status
    return 200


def test_an_ordinary_request_passes() -> None:
    assert status() == 200
    assert status(path="/v1/models/ft:gpt-4o:acme::1%20x") == 200


@pytest.mark.parametrize(
    "path",
    [
        "/openai/deployments/org%2Fmodel/chat/completions",
        "/v1/models/org%2Fmodel",
        "/models/org%2fmodel",
        "/openai/v1/models/a%2Fb%2Fc",
        "/v1/engines/org%2Fmodel/completions",
    ],
)
def test_a_models_name_may_have_encoded_slashes(path: str) -> None:
    assert status(path=path) == 200


@pytest.mark.parametrize("path", ["/v1//models", "/v1/models//x", "/v1/models//", "//v1"])
def test_doubled_slashes_that_are_left_are_refused(path: str) -> None:
    assert status(path=path) == 400


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW"])
def test_methods_that_nobody_serves_are_refused(method: str) -> None:
    assert status(method=method) == 405


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../admin",
        "/v1/%2e%2e/admin",
        "/v1/.%2E/admin",
        "/v1/./x",
        "/v1/..",
        "/v1/files%2f..%2fx",
        "/v1/models/..%2f..%2ffiles",
        "/v1/models/a%2F%2e%2e%2Ffiles",
        "/v1/models/x/files%2Fx",
        "/openai/deployments/..%2F..%2Fx/completions",
        "/openai/deployments/%2e%2e/completions",
        "/openai/deployments/x/a%2Fb",
        "/v1/x/models/a%2Fb",
        "/v1/a%5cb",
        "/v1/a\\b",
        "/v1/a%00b",
        "/v1/files/%0a",
        "/v1/files/%0D%0a",
        "/v1/files/%7f",
        "/v1/files/%250a",
        "/v1/files/%252e%252e/x",
        "/v1/files/\xe9",
        "/v1/a b",
        "/v1/a\nb",
        "http://evil/v1",
        "//evil/v1",
        "*",
    ],
)
def test_paths_that_could_leave_the_base_url_are_refused(path: str) -> None:
    assert status(path=path) == 400


def test_targets_and_headers_have_limits() -> None:
    assert status(query=b"x" * 9000) == 414
    assert status(headers=[(b"host", b"h"), *[(b"a", b"b")] * 100]) == 431
    assert status(headers=[(b"host", b"h"), (b"a", b"b" * 70_000)]) == 431


@pytest.mark.parametrize("name", [b"session_id", b"x_session", b"_", b"thread_id"])
def test_a_name_with_an_underscore_is_dropped_as_nginx_does(name: bytes) -> None:
    sent = head(headers=[HOST, (name, b"1"), (b"accept", b"*/*")])
    assert guard.check(sent, ()) == (HOST, (b"accept", b"*/*"))


@pytest.mark.parametrize(
    "name",
    [
        *(b"content_length", b"transfer_encoding", b"x_api_key", b"api_key", b"content_type"),
        *(b"x_forwarded_for", b"x_gateway_upstream", b"openai_organization", b"proxy_connection"),
        b"openai_safety_identifier",
    ],
)
def test_a_name_that_could_be_mistaken_for_a_meaningful_one_is_refused(name: bytes) -> None:
    assert status(headers=[HOST, (name, b"1")]) == 400


def test_a_head_without_underscores_is_kept_as_it_is() -> None:
    sent = head()
    assert guard.check(sent, ()) is sent.headers


@pytest.mark.parametrize(
    "hosts",
    [[], [b"a", b"b"], [b""], [b"a/healthz?q="], [b"a:port"], [b"us er@h"], [b"h:8080\n"]],
)
def test_there_is_exactly_one_good_host(hosts: list[bytes]) -> None:
    assert status(headers=[(b"host", host) for host in hosts]) == 400


@pytest.mark.parametrize("host", [b"localhost", b"127.0.0.1:80", b"[::1]:8080", b"a-b.c_d"])
def test_names_and_addresses_are_good_hosts(host: bytes) -> None:
    assert status(headers=[(b"host", host)]) == 200


def test_a_sidecar_is_known_under_its_own_names_only() -> None:
    names = frozenset({"gateway.test"})
    assert status(names) == 200
    assert status(names, headers=[(b"host", b"GATEWAY.test")]) == 200
    assert status(names, headers=[(b"host", b"gateway.test.:80")]) == 200
    assert status(names, headers=[(b"host", b"evil.test")]) == 421


def test_an_ipv6_address_is_allowed_as_the_configuration_writes_it() -> None:
    assert status(frozenset({"::1"}), headers=[(b"host", b"[::1]:8080")]) == 200
    assert status(frozenset({"::1"}), headers=[(b"host", b"[::2]:8080")]) == 421
