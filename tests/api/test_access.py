"""Who is calling: keys of the gateway's own clients, and where they stand."""

import hashlib

import pytest

from gateway.api.access import Access, presented_keys
from gateway.config.settings import ClientSettings
from gateway.errors import AuthenticationFailed
from tests.api.client import Client
from tests.api.test_application import BODY, CHAT, ok

TEAM = ClientSettings("team-a", (hashlib.sha256(b"gw-1").hexdigest().upper(),))


@pytest.mark.parametrize(
    ("headers", "keys"),
    [
        ((), []),
        (((b"authorization", b"Bearer  gw-1 "),), [b"gw-1"]),
        (((b"authorization", b"bearer gw-1"),), [b"gw-1"]),
        (((b"authorization", b"Basic gw-1"),), []),
        (((b"api-key", b" gw-1 "),), [b"gw-1"]),
        (((b"api-key", b"gw-2"), (b"authorization", b"Bearer gw-1")), [b"gw-1", b"gw-2"]),
        (((b"authorization", b"Basic x"), (b"api-key", b"gw-2")), [b"gw-2"]),
        (((b"x-api-key", b" gw-1 "),), [b"gw-1"]),
        (((b"authorization", b"Bearer "), (b"x-api-key", b"gw-1")), [b"gw-1"]),
        (((b"authorization", b"Bearer"), (b"api-key", b"gw-1")), [b"gw-1"]),
        (((b"x-api-key", b"gw-1"), (b"authorization", b" bearer  ")), [b"gw-1"]),
        (((b"authorization", b"Bearer "),), []),
        (((b"authorization", b"Bearer "), (b"x-api-key", b" ")), []),
        (((b"x-api-key", b"gw-2"), (b"authorization", b"Bearer gw-1")), [b"gw-1", b"gw-2"]),
        (((b"authorization", b"Bearer gw-1"), (b"x-api-key", b"gw-1")), [b"gw-1", b"gw-1"]),
    ],
)
def test_a_key_is_a_bearer_token_azures_or_anthropics(
    headers: tuple[tuple[bytes, bytes], ...], keys: list[bytes]
) -> None:
    assert presented_keys(headers) == keys


def test_a_key_names_its_client() -> None:
    access = Access((TEAM,))
    assert access.client(((b"api-key", b"gw-1"),)) is TEAM


@pytest.mark.parametrize("name", [b"x-api-key", b"api-key"])
@pytest.mark.parametrize("other", [b"Bearer sk-other", b"Basic x", b"Bearer gw-1"])
def test_a_key_counts_beside_one_for_something_else(name: bytes, other: bytes) -> None:
    headers = ((name, b"gw-1"), (b"authorization", other))
    assert Access((TEAM,)).client(headers) is TEAM
    reverse = ((b"authorization", b"Bearer gw-1"), (name, b"sk-other"))
    assert Access((TEAM,)).client(reverse) is TEAM
    with pytest.raises(AuthenticationFailed, match="Incorrect"):
        Access((TEAM,)).client(((name, b"gw-2"), (b"authorization", b"Bearer gw-3")))


@pytest.mark.parametrize("key", [b"gw-2", b"", b"\xff"])
def test_any_other_key_is_refused_without_being_repeated(key: bytes) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        Access((TEAM,)).client(((b"authorization", b"Bearer " + key),))
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    assert "gw-2" not in caught.value.message


def test_without_clients_everybody_may_call() -> None:
    assert Access(()).client(((b"authorization", b"Bearer sk-own"),)) is None


def test_a_gateway_with_clients_wants_their_keys() -> None:
    key = ClientSettings("team-a", (hashlib.sha256(b"gw-1").hexdigest(),))
    client = Client(ok, clients=(key,))
    assert client.post(CHAT, BODY).status == 401
    wrong = client.post(CHAT, BODY, headers=[(b"authorization", b"Bearer gw-2")])
    assert wrong.error["code"] == "invalid_api_key"
    assert "gw-2" not in wrong.body.decode()
    for header in (
        (b"authorization", b"Bearer gw-1"),
        (b"api-key", b"gw-1"),
        (b"x-api-key", b"gw-1"),
    ):
        assert client.post(CHAT, BODY, headers=[header]).status == 200
    basic = client.post(CHAT, BODY, headers=[(b"authorization", b"Basic gw-1")])
    assert basic.status == 401
