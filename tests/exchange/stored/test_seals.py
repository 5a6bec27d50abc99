"""Sealed content opens only under the gateway's secret, and for the caller it was sealed for."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings
from nacl.exceptions import UnavailableError

from gateway.config.settings import ClientSettings
from gateway.exchange.stored.seals import PREFIX, CallersSeal, Seals
from gateway.shapes import Json, RawHeaders
from tests.exchange.scene import ALICE, BOB

SECRET = "s" * 32
CONTENT: Json = {"kind": "turn", "message": {"reasoning": "the answer is 42"}, "calls": {}}


def seal(headers: RawHeaders = ALICE, client: str = "", secret: str = SECRET) -> CallersSeal:
    settings = ClientSettings(client, ("1" * 64,)) if client else None
    return Seals(secret).of(headers, settings)


def test_what_is_sealed_is_opened_by_the_same_caller_in_any_process() -> None:
    sealed = seal().close(CONTENT)
    assert seal().open(sealed) == CONTENT
    assert seal((*ALICE, (b"user-agent", b"x"))).open(sealed) == CONTENT


def test_a_seal_hides_its_content_and_differs_each_time() -> None:
    sealed = seal().close(CONTENT)
    assert sealed.startswith(PREFIX)
    assert b"42" not in base64.urlsafe_b64decode(sealed.removeprefix(PREFIX))
    assert seal().close(CONTENT) != sealed


@pytest.mark.parametrize(
    "other",
    [
        seal(BOB),
        seal((*ALICE, (b"openai-project", b"p"))),
        seal(()),
        seal(client="alice"),
        seal(secret="t" * 32),
    ],
)
def test_it_does_not_open_under_another_secret_or_for_another_caller(other: CallersSeal) -> None:
    sealed = seal().close(CONTENT)
    assert other.open(sealed) is None
    assert other.is_own(sealed)
    assert seal().open(other.close(CONTENT)) is None


def test_a_field_that_identifies_tells_callers_apart() -> None:
    seals = Seals(SECRET, identifying=frozenset({b"x-user"}))
    one, other = seals.of(((b"x-user", b"1"),), None), seals.of(((b"x-user", b"2"),), None)
    sealed = one.close(CONTENT)
    assert one.open(sealed) == CONTENT
    assert other.open(sealed) is None
    assert seals.of((), None).open(sealed) is None


def test_a_client_of_the_gateways_own_is_known_by_name() -> None:
    """So its key can change during a conversation."""
    assert seal(BOB, "team-a").open(seal(ALICE, "team-a").close(CONTENT)) == CONTENT
    assert seal(ALICE, "team-b").open(seal(ALICE, "team-a").close(CONTENT)) is None


@pytest.mark.parametrize("text", ["", "gAAB", PREFIX, f"{PREFIX}AAAA", f"{PREFIX}é", f"{PREFIX}=!"])
def test_what_is_not_sealed_is_not_opened(text: str) -> None:
    assert seal().open(text) is None


@given(st.integers(0), st.integers(1, 255))
def test_what_was_changed_is_not_opened(place: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(seal().close(CONTENT).removeprefix(PREFIX)))
    raw[place % len(raw)] ^= change
    assert seal().open(PREFIX + base64.urlsafe_b64encode(raw).decode()) is None


@given(st.binary(max_size=80))
def test_nothing_that_is_made_up_is_opened(raw: bytes) -> None:
    assert seal().open(PREFIX + base64.urlsafe_b64encode(raw).decode()) is None


FROM_OPENSSL = (
    "egs1.AAECAwQFBgcICQoLDA0OD1Z8PXyk7xOCSgS8uNWaQR8nc9d8WOD5G_zNnorYKYGyCGVkm410_cswmXP4jjYxuCTo"
    "7Yu1vJDDKmK3DLmM6lrfCdG9KvhTsMUltE1lWmPQylSm6xE="
)
"""`CONTENT`, sealed by version 0.2.0, which had another library."""


def test_what_earlier_versions_sealed_is_opened() -> None:
    assert seal().open(FROM_OPENSSL) == CONTENT


def test_processors_without_aes_seal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> bytes:
        raise UnavailableError

    with_aes = seal().close(CONTENT)
    with monkeypatch.context() as patch:
        patch.setattr(bindings, "crypto_aead_aes256gcm_encrypt", unavailable)
        patch.setattr(bindings, "crypto_aead_aes256gcm_decrypt", unavailable)
        without_aes = seal().close(CONTENT)
        assert seal().open(without_aes) == CONTENT
        assert seal(BOB).open(without_aes) is None
        assert seal().open(with_aes) is None
    assert seal().open(without_aes) == CONTENT
