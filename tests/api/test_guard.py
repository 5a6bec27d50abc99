"""Requests that no route should see."""

from typing import Any

import pytest

from gateway.api import guard
from gateway.errors import GatewayError


def scope(**changes: Any) -> dict[str, Any]:
    path = changes.pop("path", "/v1/models")
    return {
        "method": "GET",
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": b"",
        "headers": [(b"host", b"gateway.test:8080")],
        **changes,
    }


def status(hosts: frozenset[str] = frozenset(), **changes: Any) -> int:
    try:
        guard.check(scope(**changes), hosts)
    except GatewayError as error:
        return error.status
    return 200


def test_an_ordinary_request_passes() -> None:
    assert status() == 200
    assert status(raw_path=None) == 200
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
def test_doubled_slashes_are_refused(path: str) -> None:
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
    assert status(query_string=b"x" * 9000) == 414
    assert status(headers=[(b"host", b"h"), *[(b"a", b"b")] * 100]) == 431
    assert status(headers=[(b"host", b"h"), (b"a", b"b" * 70_000)]) == 431
    assert status(headers=[(b"host", b"h"), (b"x_forwarded_for", b"1")]) == 400


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
    assert status(names, headers=[(b"host", b"evil.test")]) == 421
