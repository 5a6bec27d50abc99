"""Who a caller is: a client of the gateway by its name, any other by its credential."""

import pytest

from gateway.config.settings import ClientSettings
from gateway.exchange.stored.callers import caller_of, fields_of, owner_of
from gateway.shapes import RawHeaders

TEAM = ClientSettings("team", ("0" * 64, "1" * 64))
BEARER = (b"authorization", b"Bearer k")
ORGANISATION = (b"openai-organization", b"o")


@pytest.mark.parametrize(
    "headers",
    [
        (BEARER,),
        ((b"authorization", b"bearer  k "),),
        ((b"authorization", b"Bearer another-key"),),
        ((b"x-api-key", b"k"),),
        (BEARER, ORGANISATION),
    ],
)
def test_a_client_is_its_name_whatever_key_it_has_and_however_it_is_sent(
    headers: RawHeaders,
) -> None:
    assert caller_of(headers, TEAM) == caller_of((BEARER,), TEAM)
    assert caller_of(headers, TEAM) != caller_of(headers, ClientSettings("other", ("0" * 64,)))
    assert caller_of(headers, TEAM) != caller_of(headers, None)


@pytest.mark.parametrize(
    "headers",
    [
        (BEARER, (b"user-agent", b"x")),
        ((b"authorization", b" bearer  k "),),
        ((b"x-api-key", b" k"),),
        ((b"api-key", b"k"), (b"x-api-key", b"other")),
        ((b"authorization", b"Bearer"), (b"api-key", b""), (b"x-api-key", b"k")),
        ((b"x-api-key", b"other"), BEARER, (b"authorization", b"Bearer other")),
    ],
)
def test_a_credential_is_the_same_in_any_field(headers: RawHeaders) -> None:
    assert caller_of(headers, None) == caller_of((BEARER,), None)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"authorization", b"Bearer K"),),
        ((b"authorization", b"Basic k"),),
        (BEARER, ORGANISATION),
        (BEARER, (b"openai-project", b"o")),
        ((b"authorization", b"client:team"),),
    ],
)
def test_another_credential_or_account_is_another_caller(headers: RawHeaders) -> None:
    assert caller_of(headers, None) != caller_of((BEARER,), None)
    assert caller_of(headers, None) != caller_of((), TEAM)


@pytest.mark.parametrize("others", [(), (BEARER,), (BEARER, ORGANISATION)])
def test_a_field_that_identifies_tells_callers_apart(others: RawHeaders) -> None:
    names = frozenset({b"x-user"})
    one, other = (*others, (b"x-user", b"1")), (*others, (b"x-user", b"2"))
    assert caller_of(one, None, names) == caller_of(one[::-1], None, names)
    assert caller_of(one, None, names) != caller_of(other, None, names)
    assert caller_of(one, None, names) != caller_of(others, None, names)
    assert caller_of(one, None) == caller_of(other, None)
    assert caller_of(one, TEAM, names) == caller_of(other, TEAM, names)
    assert caller_of(others, None, names) == caller_of(others, None)
    assert owner_of(b"s", one, None, names) != owner_of(b"s", other, None, names)


def test_fields_cannot_be_made_up_of_others() -> None:
    two = (BEARER, ORGANISATION, (b"openai-project", b"p"))
    joined = (BEARER, (b"openai-organization", b"o14:openai-project1:p"))
    assert caller_of(two, None) != caller_of(joined, None)
    assert caller_of(two, None) == caller_of((two[2], two[0], two[1]), None)


def test_all_without_a_credential_are_one_caller() -> None:
    assert caller_of((ORGANISATION,), None) == caller_of((), None)


def test_an_owner_is_a_hash_under_the_secret() -> None:
    one = owner_of(b"s", (BEARER,), None)
    assert len(one) == 64
    assert one == owner_of(b"s", ((b"x-api-key", b"k"),), None)
    assert one != owner_of(b"t", (BEARER,), None)
    assert owner_of(b"s", (), TEAM) == owner_of(b"s", (BEARER,), TEAM)


def test_callers_of_earlier_versions_were_their_fields() -> None:
    assert fields_of((ORGANISATION, BEARER, (b"accept", b"x"))) == (
        b"13:authorization8:Bearer k19:openai-organization1:o"
    )
