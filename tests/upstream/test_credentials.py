import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.shapes import ClientHeaders, RawHeaders
from gateway.upstream.credentials import Callers, Credentials
from tests import kinds

JWT = b"eyJhbGciOi.eyJhdWQi.c2lnbmF0dXJl"
CALLERS = UpstreamSettings("openai", "https://api.openai.com/v1")
AZURE = replace(CALLERS, kind=kinds.AZURE)
OAUTH = b"Bearer sk-ant-oat01-x"
ANTHROPIC = replace(CALLERS, kind=kinds.ANTHROPIC)
KEYED = replace(CALLERS, credential=CredentialPolicy.KEY, api_key=Secret("sk-ours"))
THEIRS: RawHeaders = (
    (b"authorization", b"Bearer sk-theirs"),
    (b"openai-organization", b"org"),
    (b"openai-project", b"proj"),
)


def test_the_gateways_key_replaces_the_callers_and_its_account() -> None:
    assert Credentials(KEYED).headers(THEIRS) == ((b"authorization", b"Bearer sk-ours"),)
    azure = replace(KEYED, kind=kinds.AZURE)
    assert Credentials(azure).headers(THEIRS) == ((b"api-key", b"sk-ours"),)


def test_an_upstream_without_credentials_gets_none() -> None:
    assert Credentials(replace(CALLERS, credential=CredentialPolicy.NONE)).headers(THEIRS) == ()


def test_the_callers_key_goes_with_its_account() -> None:
    assert Credentials(CALLERS).headers(THEIRS) == THEIRS


def test_an_account_without_a_key_goes_nowhere() -> None:
    assert Credentials(CALLERS).headers(THEIRS[1:]) == ()


@pytest.mark.parametrize(
    ("upstream", "given_", "sent"),
    [
        (CALLERS, (b"api-key", b"k"), (b"authorization", b"Bearer k")),
        (CALLERS, (b"authorization", b"bearer  k "), (b"authorization", b"Bearer k")),
        (CALLERS, (b"authorization", b"Basic dTpw"), (b"authorization", b"Basic dTpw")),
        (AZURE, (b"authorization", b"Bearer k"), (b"api-key", b"k")),
        (AZURE, (b"api-key", b"k"), (b"api-key", b"k")),
        (AZURE, (b"authorization", b"Bearer " + JWT), (b"authorization", b"Bearer " + JWT)),
        (AZURE, (b"authorization", b"Basic dTpw"), (b"authorization", b"Basic dTpw")),
        (CALLERS, (b"x-api-key", b" k "), (b"authorization", b"Bearer k")),
        (AZURE, (b"x-api-key", b"k"), (b"api-key", b"k")),
        (ANTHROPIC, (b"x-api-key", b"k"), (b"x-api-key", b"k")),
        (ANTHROPIC, (b"authorization", b"Bearer k"), (b"x-api-key", b"k")),
        (ANTHROPIC, (b"api-key", b"k"), (b"x-api-key", b"k")),
        (ANTHROPIC, (b"authorization", OAUTH), (b"authorization", OAUTH)),
        (ANTHROPIC, (b"x-api-key", OAUTH[7:]), (b"authorization", OAUTH)),
    ],
)
def test_the_callers_key_takes_the_form_that_the_upstream_wants(
    upstream: UpstreamSettings, given_: tuple[bytes, bytes], sent: tuple[bytes, bytes]
) -> None:
    assert Credentials(upstream).headers((given_,)) == (sent,)


@pytest.mark.parametrize(
    "name",
    [
        *("key", "api_key", "api-key", "apikey", "x-api-key", "x-goog-api-key", "access_token"),
        *("token", "auth_token", "AUTHORIZATION", "subscription-key", "Api%5fKey", "%6bey"),
    ],
)
def test_a_credential_in_a_query_goes_where_one_in_a_field_would(name: str) -> None:
    query = f"a=%20&{name}=sk-theirs&limit=2;b&{name}=".encode()
    others = b"a=%20&limit=2;b"
    for own in (KEYED, replace(CALLERS, credential=CredentialPolicy.NONE)):
        assert Credentials(own).query(query) == others
        assert Credentials(own).query(f"{name}=sk-theirs;a=1".encode()) == b"a=1"
        assert Credentials(own).query(f"{name}=sk-theirs".encode()) == b""
    assert Credentials(CALLERS).query(query) == query


def test_a_key_of_the_gateway_itself_in_a_query_goes_nowhere() -> None:
    own = Credentials(CALLERS, own_keys=frozenset({hashlib.sha256(b"gw key").hexdigest()}))
    assert own.query(b"key=gw%20key&a=1&token=other") == b"a=1&token=other"


@pytest.mark.parametrize(
    "query",
    [b"", b"api-version=2024-06-01", b"page_token=a&after=b", b"model=key", b"beta=true", b"&&;="],
)
def test_a_query_without_a_credential_stays_as_it_is(query: bytes) -> None:
    assert Credentials(KEYED).query(query) == query


def test_exactly_one_credential_is_sent() -> None:
    client = (
        (b"api-key", b"b"),
        (b"authorization", b""),
        (b"authorization", b"Bearer a"),
        (b"authorization", b"Bearer c"),
    )
    assert Credentials(CALLERS).headers(client) == ((b"authorization", b"Bearer a"),)


@pytest.mark.parametrize("empty", [b"Bearer", b"Bearer ", b" bearer  ", b""])
def test_a_bearer_without_a_key_is_not_a_credential(empty: bytes) -> None:
    nothing = (b"authorization", empty)
    assert Credentials(CALLERS).headers((nothing,)) == ()
    sent = Credentials(ANTHROPIC).headers((nothing, (b"x-api-key", b"k")))
    assert sent == ((b"x-api-key", b"k"),)


def test_a_key_of_the_gateways_own_never_goes_upstream() -> None:
    own = frozenset({hashlib.sha256(b"gateway-key").hexdigest().upper()})
    credentials = Credentials(CALLERS, own_keys=own)
    assert credentials.headers(((b"authorization", b"Bearer gateway-key"),)) == ()
    assert credentials.headers(((b"api-key", b"gateway-key"),)) == ()
    both = ((b"authorization", b"Bearer gateway-key"), (b"api-key", b"sk-theirs"))
    assert credentials.headers(both) == ((b"authorization", b"Bearer sk-theirs"),)


@pytest.mark.parametrize("base", [KEYED, CALLERS])
def test_a_configured_authorization_replaces_every_other(base: UpstreamSettings) -> None:
    credentials = Credentials(replace(base, headers=(("Authorization", Secret("Token x")),)))
    assert credentials.headers(THEIRS) == ()
    assert credentials.fingerprint(THEIRS) == credentials.fingerprint(())


@pytest.mark.parametrize(
    ("key", "complaint"), [(None, "no api_key"), ("", "no api_key"), ("a b", "space"), ("ä", "a")]
)
def test_a_key_that_cannot_be_sent_is_refused_at_start(key: str | None, complaint: str) -> None:
    secret = None if key is None else Secret(key)
    with pytest.raises(ValueError, match=complaint) as caught:
        Credentials(replace(KEYED, api_key=secret))
    assert "'openai'" in str(caught.value)


FIELDS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"authorization", b"api-key", b"openai-organization", b"openai-project", b"accept"]
        ),
        st.sampled_from(
            [b"Bearer a", b"Bearer ab", b"a", b"b", b"ab", b"", b"12:a", b"Bearer " + JWT]
        ),
    ),
    max_size=5,
).map(tuple)


@given(FIELDS, FIELDS, st.sampled_from([CALLERS, AZURE]))
def test_fingerprints_are_equal_exactly_when_the_same_is_sent(
    one: RawHeaders, other: RawHeaders, upstream: UpstreamSettings
) -> None:
    credentials = Credentials(upstream)
    same = credentials.headers(one) == credentials.headers(other)
    assert (credentials.fingerprint(one) == credentials.fingerprint(other)) == same


@pytest.mark.parametrize(
    "upstream", [KEYED, replace(CALLERS, credential=CredentialPolicy.NONE)], ids=["key", "none"]
)
def test_callers_are_not_distinguished_where_their_credential_is_not_sent(
    upstream: UpstreamSettings,
) -> None:
    credentials = Credentials(upstream)
    assert credentials.fingerprint(THEIRS) == credentials.fingerprint(())


def test_forwarded_fields_that_name_a_caller_distinguish_callers_and_others_do_not() -> None:
    credentials = Credentials(replace(KEYED, forward_headers=("X-Api-Key", "X-Trace")))
    plain = credentials.fingerprint(())
    assert credentials.fingerprint(((b"x-trace", b"1"),)) == plain
    assert credentials.fingerprint(((b"x-api-key", b"1"),)) != plain


def test_upstreams_have_fingerprints_of_their_own_and_none_shows_the_key() -> None:
    one = Credentials(CALLERS).fingerprint(THEIRS)
    other = Credentials(replace(CALLERS, name="other")).fingerprint(THEIRS)
    assert one != other
    assert len(one) == 64
    assert one != hashlib.sha256(b"Bearer sk-theirs").hexdigest()


CALLER_FIELDS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *(b"authorization", b"api-key", b"openai-organization", b"openai-project"),
                *(b"x-user", b"x-session", b"accept"),
            ]
        ),
        st.sampled_from([b"Bearer a", b"Bearer ab", b"a", b"ab", b"", b" ", b"1:a", b"gateway"])
        | st.binary(max_size=4),
    ),
    max_size=5,
).map(tuple)
OWN_KEYS = frozenset({hashlib.sha256(b"gateway").hexdigest()})
MANY = [
    Credentials(upstream, own_keys=OWN_KEYS)
    for upstream in (
        CALLERS,
        AZURE,
        KEYED,
        replace(KEYED, name="told", forward_headers=("X-User", "X-Session")),
        replace(CALLERS, name="fixed", headers=(("api-key", Secret("k")),)),
    )
]


@given(CALLER_FIELDS, CALLER_FIELDS, st.sets(st.integers(0, len(MANY) - 1)))
def test_callers_are_distinguished_when_any_upstream_would(
    one: RawHeaders, other: RawHeaders, configured: set[int]
) -> None:
    credentials = [MANY[position] for position in configured]
    callers = Callers(credentials)
    if any(each.fingerprint(one) != each.fingerprint(other) for each in credentials):
        assert callers.digest(one) != callers.digest(other)
    mattering = frozenset[bytes]().union(*(each.depends_on for each in credentials))
    told = [tuple(field for field in fields if field[0] in mattering) for fields in (one, other)]
    assert (callers.digest(one) == callers.digest(other)) == (told[0] == told[1])


@given(CALLER_FIELDS)
def test_what_no_fingerprint_depends_on_distinguishes_no_callers(fields: RawHeaders) -> None:
    for each in MANY:
        mattering = tuple(field for field in fields if field[0] in each.depends_on)
        assert each.fingerprint(mattering) == each.fingerprint(fields)
        assert Callers([each]).digest(mattering) == Callers([each]).digest(fields)


@given(CALLER_FIELDS)
def test_what_is_kept_with_a_clients_headers_is_what_plain_ones_give(fields: RawHeaders) -> None:
    kept, callers = ClientHeaders(fields), Callers(MANY)
    for _ in range(2):
        assert callers.digest(kept) == callers.digest(fields)
        for each in MANY:
            assert each.headers(kept) == each.headers(fields)
            assert each.fingerprint(kept) == each.fingerprint(fields)
    assert not set(kept.derived) & {value for field in fields for value in field}


def test_what_is_kept_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials, kept = Credentials(CALLERS), ClientHeaders(THEIRS)
    callers = Callers([credentials])
    first = credentials.headers(kept), credentials.fingerprint(kept), callers.digest(kept)
    monkeypatch.setattr(Credentials, "_callers_headers", None)
    monkeypatch.setattr(Credentials, "_hash", None)
    monkeypatch.setattr(Callers, "_digest_of", None)
    assert (credentials.headers(kept), credentials.fingerprint(kept), callers.digest(kept)) == first


def test_a_callers_digest_shows_no_key_and_is_not_a_fingerprint() -> None:
    digest = Callers([Credentials(CALLERS)]).digest(THEIRS)
    assert b"sk-theirs" not in digest
    assert digest.hex() != Credentials(CALLERS).fingerprint(THEIRS)
    assert len(digest) == 32


FIELDS_OF_A_KEY: list[RawHeaders] = [
    ((b"authorization", b"Bearer k"),),
    ((b"x-api-key", b"k"),),
    ((b"api-key", b"k"),),
    ((b"authorization", b"Bearer k"), (b"x-api-key", b"k")),
]


@pytest.mark.parametrize("upstream", [CALLERS, AZURE, ANTHROPIC])
def test_one_key_has_one_fingerprint_in_whichever_field(upstream: UpstreamSettings) -> None:
    credentials = Credentials(upstream)
    (mark,) = {credentials.fingerprint(fields) for fields in FIELDS_OF_A_KEY}
    assert mark != credentials.fingerprint(((b"x-api-key", b"other"),))
    assert mark != credentials.fingerprint(())


def test_of_two_keys_the_bearer_token_is_sent_unless_it_is_the_gateways() -> None:
    two: RawHeaders = ((b"x-api-key", b"theirs"), (b"authorization", b"Bearer ours"))
    assert Credentials(CALLERS).headers(two) == ((b"authorization", b"Bearer ours"),)
    own = frozenset({hashlib.sha256(b"ours").hexdigest()})
    sent = Credentials(CALLERS, own_keys=own).headers(two)
    assert sent == ((b"authorization", b"Bearer theirs"),)
    for_both: RawHeaders = ((b"x-api-key", b"ours"), (b"authorization", b"Bearer ours"))
    assert Credentials(CALLERS, own_keys=own).headers(for_both) == ()


@pytest.mark.parametrize(
    ("upstream", "given_", "sent"),
    [
        (CALLERS, ((b"x-api-key", b"k"),), [b"authorization", b"x-api-key"]),
        (CALLERS, ((b"authorization", b"Basic dTpw"),), [b"authorization"]),
        (CALLERS, (), []),
        (KEYED, (), [b"authorization", b"x-api-key"]),
        (ANTHROPIC, ((b"x-api-key", b"k"),), [b"x-api-key"]),
        (replace(CALLERS, kind=kinds.VLLM), ((b"x-api-key", b"k"),), [b"authorization"]),
    ],
)
def test_for_messages_an_unknown_server_gets_a_key_twice(
    upstream: UpstreamSettings, given_: RawHeaders, sent: list[bytes]
) -> None:
    fields = Credentials(upstream).for_messages(given_)
    assert [name for name, _ in fields] == sent
    assert len({value.removeprefix(b"Bearer ") for _, value in fields}) <= 1


def test_the_key_for_anthropics_api_at_azure_is_in_the_field_of_that_service() -> None:
    fields = ClientHeaders([(b"api-key", b"k"), (b"openai-project", b"p")])
    token = ClientHeaders([(b"authorization", b"Bearer eyJ.e.s")])
    azure = replace(CALLERS, kind=kinds.AZURE)
    without, beside = Credentials(azure), Credentials(replace(azure, messages_url="https://a/v1"))
    for credentials in (without, beside):
        assert credentials.headers(fields) == ((b"api-key", b"k"), (b"openai-project", b"p"))
    assert without.for_messages(fields) == without.headers(fields)
    assert beside.for_messages(fields) == ((b"x-api-key", b"k"), (b"openai-project", b"p"))
    assert beside.for_messages(token) == ((b"authorization", b"Bearer eyJ.e.s"),)
    assert beside.for_messages(ClientHeaders()) == ()


def test_another_messages_url_makes_another_upstream() -> None:
    moved = replace(CALLERS, messages_url="https://a/v1")
    marks = {
        Credentials(each).fingerprint(THEIRS)
        for each in (CALLERS, moved, replace(CALLERS, messages_url="https://b/v1"))
    }
    assert len(marks) == 3
