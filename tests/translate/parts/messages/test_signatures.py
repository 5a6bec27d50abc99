"""Signatures of the gateway carry state through the client, and open only where they belong."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.stored.seals import Seals
from gateway.shapes import Json, Seal
from gateway.translate.contract import Context
from gateway.translate.parts.messages.signatures import (
    PREFIX,
    close,
    is_gateways,
    open_sealed,
    pack,
    unpack,
)
from tests.exchange.scene import ALICE, BOB
from tests.translate.sealing import OpenSeal

ITEM: Json = {"id": "rs_1", "encrypted_content": "gAAAA…"}
ANTHROPICS = "EqoBCkgIARABGAIiQL"


def context(
    model: str = "gpt-5.4", upstream: str = "openai", seal: Seal | None = None, key: str = "s"
) -> Context:
    seal = seal or Seals(key * 32).of(ALICE, None)
    return Context("claude", model, upstream=upstream, seal=seal)


def test_what_is_packed_comes_back_in_any_process_with_the_same_secret() -> None:
    signature = pack(ITEM, "Two numbers.", context())
    assert signature.startswith(PREFIX)
    assert "gAAAA" not in signature
    assert unpack(signature, "Two numbers.", context()) == ITEM


@pytest.mark.parametrize(
    "other",
    [
        context(key="t"),
        context(upstream="azure"),
        context(model="gpt-5.5"),
        context(model="o4-mini"),
        context(model="sol"),
        context(seal=Seals("s" * 32).of(BOB, None)),
        Context("claude", "gpt-5.4", upstream="openai"),
    ],
    ids=["secret", "upstream", "version", "family", "unversioned", "caller", "no seal"],
)
def test_it_does_not_open_elsewhere(other: Context) -> None:
    signature = pack(ITEM, "Two numbers.", context())
    assert unpack(signature, "Two numbers.", other) is None
    assert is_gateways(signature)


@pytest.mark.parametrize(
    ("model", "relative"),
    [
        ("gpt-5.4", "gpt-5.4-mini-2026-03-05"),
        ("GPT-5.4", "gpt-5.4"),
        ("o4-mini", "o4"),
        ("deepseek-reasoner", "deepseek-reasoner"),
    ],
)
def test_models_of_one_version_are_a_family(model: str, relative: str) -> None:
    signature = pack(ITEM, "", context(model))
    assert unpack(signature, "", context(relative)) == ITEM


@given(st.text(), st.text())
def test_the_text_belongs_to_it(text: str, other: str) -> None:
    signature = pack(ITEM, text, context(seal=OpenSeal()))
    opened = unpack(signature, other, context(seal=OpenSeal()))
    assert opened == (ITEM if text == other else None)


def test_any_character_of_json_can_be_in_the_text() -> None:
    assert unpack(pack(ITEM, "\ud83d", context()), "\ud83d", context()) == ITEM


def test_a_changed_signature_does_not_open() -> None:
    signature = pack(ITEM, "text", context())
    middle = len(signature) // 2
    changed = "A" if signature[middle] != "A" else "B"
    assert unpack(signature[:middle] + changed + signature[middle + 1 :], "text", context()) is None
    assert unpack(signature[:-9], "text", context()) is None


def test_what_was_sealed_for_other_purposes_does_not_open() -> None:
    sealed = OpenSeal().close({"kind": "turn", "message": {}, "calls": {}})
    assert unpack(PREFIX + sealed, "", context(seal=OpenSeal())) is None


@pytest.mark.parametrize("signature", ["", ANTHROPICS, f" {PREFIX}", "gw2.x"])
def test_other_signatures_are_not_the_gateways(signature: str) -> None:
    assert not is_gateways(signature)
    assert unpack(signature, "", context()) is None


def test_a_signature_without_content_is_bare() -> None:
    bare = [pack({}, "text", context()), pack(ITEM, "text", Context("a", "b"))]
    assert bare == [PREFIX, PREFIX]
    assert unpack(PREFIX, "text", context()) is None
    assert is_gateways(PREFIX)


def test_fields_of_other_shapes_have_no_prefix() -> None:
    sealed = close({"signature": ANTHROPICS}, "text", context(seal=OpenSeal()))
    assert sealed is not None
    assert not is_gateways(sealed)
    assert open_sealed(sealed, "text", context(seal=OpenSeal())) == {"signature": ANTHROPICS}
    assert close(ITEM, "text", replace(context(), seal=None)) is None
