"""Which forwarded fields say who calls."""

import pytest

from gateway.config.checks.identifying_headers import identifying_names, identifying_names_of_any
from gateway.config.settings import Settings
from tests.config.configuring import upstream


@pytest.mark.parametrize(
    "name",
    [
        *("X-Goog-Api-Key", "x-user", "X-Auth-Token", "x-account", "x-organization", "x-project"),
        *("X-Tenant-Id", "x-workspace", "x-team", "x-goog-iap-jwt-assertion", "x-amzn-oidc-data"),
        *("x-ms-client-principal", "x-customer", "x-group", "x-password"),
    ],
)
def test_a_name_that_speaks_of_a_caller_identifies_one(name: str) -> None:
    assert identifying_names(upstream(forward_headers=(name,))) == {name.lower().encode()}


@pytest.mark.parametrize("name", ["x-session-id", "x-trace", "x-client-version", "baggage"])
def test_other_names_do_not(name: str) -> None:
    assert identifying_names(upstream(forward_headers=(name,))) == frozenset()


def test_those_of_any_upstream_count() -> None:
    one, other = upstream("a", forward_headers=("X-User",)), upstream("b")
    third = upstream("c", forward_headers=("x-team", "x-trace"))
    assert identifying_names_of_any(Settings((one, other, third))) == {b"x-user", b"x-team"}
