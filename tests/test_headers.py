"""The header fields that mean the same in every layer."""

import pytest

from gateway.headers import (
    CALLER_HEADERS,
    CREDENTIAL_HEADERS,
    HOP_BY_HOP,
    SET_BY_THE_GATEWAY,
    UNSAFE,
    UNSAFE_BYTES,
    host_of,
    is_name,
    is_never_forwarded,
    joined_list,
    named_in_connection,
    speaks_anthropic,
    unambiguous,
)


def test_what_identifies_a_caller_begins_with_the_credential() -> None:
    assert CREDENTIAL_HEADERS < CALLER_HEADERS
    assert b"openai-organization" in CALLER_HEADERS


def test_a_connection_names_fields_but_neither_a_credential_nor_the_length() -> None:
    fields = (
        (b"connection", b"X-A, close"),
        (b"x-b", b"x-c"),
        (b"connection", b"x-d,authorization, content-length, openai-project"),
    )
    assert named_in_connection(fields) == {b"x-a", b"close", b"x-d"}


def test_fields_of_one_connection_are_the_gateways_to_set() -> None:
    assert HOP_BY_HOP < SET_BY_THE_GATEWAY
    assert {b"host", b"content-length", b"x-gateway-hops"} < SET_BY_THE_GATEWAY


def test_no_value_has_control_characters_but_tabs() -> None:
    unsafe = [byte for byte in range(256) if UNSAFE.fullmatch(bytes([byte]))]
    assert unsafe == list(UNSAFE_BYTES) == [*range(9), *range(10, 32), 127]


@pytest.mark.parametrize(
    "name",
    [
        *sorted(SET_BY_THE_GATEWAY | CREDENTIAL_HEADERS),
        *(b"cookie", b"forwarded", b"x-forwarded-for", b"x-gateway-upstream"),
        b"sec-websocket-key",
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


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (b"localhost", "localhost"),
        (b"Gateway.Example.:8080", "gateway.example"),
        (b"127.0.0.1:80", "127.0.0.1"),
        (b"[::1]", "::1"),
        (b"[FE80::1]:8080", "fe80::1"),
        (b"a-b.c_d", "a-b.c_d"),
        *[(bad, None) for bad in (b"", b"a:port", b"a:123456", b"a b", b"h:80\n", b"::1", b"[a")],
        *[(bad, None) for bad in (b"a/b", b"a@b", b"[::1]x", "é".encode())],
    ],
)
def test_a_host_is_a_name_or_an_address_with_an_optional_port(
    value: bytes, host: str | None
) -> None:
    assert host_of([(b"accept", b"*/*"), (b"host", value)]) == host


def test_a_head_has_one_host() -> None:
    assert host_of([(b"host", b"a"), (b"host", b"a")]) is None
    assert host_of([(b"accept", b"a")]) is None


VERSION = (b"anthropic-version", b"2023-06-01")


@pytest.mark.parametrize("path", ["/messages", "/messages/count_tokens", "/messages/batches/b_1"])
def test_a_path_of_anthropics_says_whose_api_is_meant(path: str) -> None:
    assert speaks_anthropic(path, ())


@pytest.mark.parametrize("path", ["/models", "/models/m", "/files", "/files/f_1/content"])
def test_on_a_shared_path_the_version_says_it(path: str) -> None:
    assert not speaks_anthropic(path, [(b"x-api-key", b"k")])
    assert speaks_anthropic(path, [(b"accept", b"*/*"), VERSION])


@pytest.mark.parametrize(
    "path", ["/chat/completions", "/messagesx", "/threads/t/messages", "/modelsx", "/filesx", "/"]
)
def test_no_field_makes_another_path_anthropics(path: str) -> None:
    assert not speaks_anthropic(path, [VERSION])


@pytest.mark.parametrize(
    ("values", "joined"),
    [
        ([], b""),
        ([b" , ", b""], b""),
        ([b"a", b"b, A ,c"], b"a,b,c"),
        ([b"a=2", b"b,a=1,a"], b"a=2,b"),
    ],
)
def test_lists_are_joined_without_what_is_named_twice(values: list[bytes], joined: bytes) -> None:
    assert joined_list(values) == joined


def test_different_fields_never_read_the_same() -> None:
    lists = [[], [(b"a", b"bc")], [(b"ab", b"c")], [(b"a", b""), (b"bc", b"")], [(b"a", b"1:bc")]]
    assert len({unambiguous(fields) for fields in lists}) == len(lists)
    assert unambiguous(lists[1]) == b"1:a2:bc"
