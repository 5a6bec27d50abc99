"""Which upstreams are called with a key of the gateway's own, and which with their callers'."""

import pytest

from gateway.config.checks.own_keys import forwards_callers_key, holds_key, quotes_key
from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy
from tests.config.configuring import upstream

KEY, CALLER, NONE = CredentialPolicy.KEY, CredentialPolicy.CALLER, CredentialPolicy.NONE


@pytest.mark.parametrize(
    ("credential", "header", "holds", "forwards"),
    [
        (KEY, "x-a", True, False),
        (CALLER, "x-a", False, True),
        (CALLER, "Authorization", True, False),
        (CALLER, "X-API-Key", True, False),
        (CALLER, "ocp-apim-subscription-key", True, True),
        (NONE, "x-a", False, False),
        (NONE, "x-goog-api-key", True, False),
    ],
)
def test_a_fixed_header_is_a_key_and_may_replace_the_callers(
    credential: CredentialPolicy, header: str, holds: bool, forwards: bool
) -> None:
    key = Secret("k") if credential is KEY else None
    settings = upstream(credential=credential, api_key=key, headers=((header, Secret("v")),))
    assert holds_key(settings) is holds
    assert forwards_callers_key(settings) is forwards


def test_a_key_that_is_quoted_whole_is_found() -> None:
    own, field = "sk-proj-0123456789", "0123456789-goog-key"
    settings = upstream(
        credential=KEY,
        api_key=Secret(own),
        headers=(("x-goog-api-key", Secret(field)), ("x-title", Secret("not-a-secret-at-all"))),
    )
    for quoted in (own, f"Bearer {own},", field):
        assert quotes_key(settings, b'{"error": "bad field: %b"}' % quoted.encode())
    for harmless in ("sk-proj-********89", "not-a-secret-at-all", ""):
        assert not quotes_key(settings, harmless.encode())
    basic = upstream(headers=(("authorization", Secret(f"Basic {own}")),))
    assert quotes_key(basic, own.encode())
    assert not quotes_key(basic, b"Basic")
    assert not quotes_key(upstream(credential=KEY, api_key=Secret("EMPTY")), b"The body is EMPTY.")
