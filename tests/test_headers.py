"""The header fields that mean the same in every layer."""

import pytest

from gateway.headers import (
    CALLER_HEADERS,
    CREDENTIAL_HEADERS,
    HOP_BY_HOP,
    SET_BY_THE_GATEWAY,
    is_name,
    is_never_forwarded,
)


def test_what_identifies_a_caller_begins_with_the_credential() -> None:
    assert CREDENTIAL_HEADERS < CALLER_HEADERS
    assert b"openai-organization" in CALLER_HEADERS


def test_fields_of_one_connection_are_the_gateways_to_set() -> None:
    assert HOP_BY_HOP < SET_BY_THE_GATEWAY
    assert {b"host", b"content-length", b"x-gateway-hops"} < SET_BY_THE_GATEWAY


@pytest.mark.parametrize(
    "name",
    [
        *sorted(SET_BY_THE_GATEWAY | CREDENTIAL_HEADERS),
        *(b"cookie", b"forwarded", b"x-forwarded-for", b"x-gateway-upstream"),
    ],
)
def test_what_belongs_to_the_hop_or_opens_something_is_never_forwarded(name: bytes) -> None:
    assert is_never_forwarded(name)


@pytest.mark.parametrize("name", [b"x-session", b"openai-project", b"x-request-id", b"cookies"])
def test_other_fields_may_be_forwarded(name: bytes) -> None:
    assert not is_never_forwarded(name)


@pytest.mark.parametrize("name", [b"x-a", b"A.b_c!#$%&'*+^`|~0"])
def test_a_token_is_a_name(name: bytes) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"a\n", b"\xe9", b"a?"])
def test_anything_else_is_not(name: bytes) -> None:
    assert not is_name(name)
