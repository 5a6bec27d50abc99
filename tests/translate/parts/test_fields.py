import math
from typing import Literal

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.shapes import Shape
from gateway.translate.contract import Context
from gateway.translate.parts.fields import (
    created,
    fingerprint,
    model_name,
    own_response_id,
    swap_id,
)

CONTEXT = Context(model_asked="asked", model_sent="sent", new_id=lambda: "f" * 32, now=1000)


@pytest.mark.parametrize("prefix", ["cmpl-", "chatcmpl-", "resp_", ""])
@pytest.mark.parametrize(
    ("shape", "own"), [(Shape.COMPLETIONS, "cmpl-"), (Shape.CHAT, "chatcmpl-")]
)
def test_an_id_keeps_its_rest_and_gets_the_clients_prefix(
    prefix: str, shape: Literal[Shape.COMPLETIONS, Shape.CHAT], own: str
) -> None:
    assert swap_id(f"{prefix}abc", shape, CONTEXT) == f"{own}abc"


@pytest.mark.parametrize("nothing", [None, 5, "", "cmpl-", "chatcmpl-", ["x"]])
def test_an_id_is_minted_where_upstream_has_none(nothing: object) -> None:
    assert swap_id(nothing, Shape.CHAT, CONTEXT) == "chatcmpl-" + "f" * 32


def test_a_responses_id_is_drawn_not_derived() -> None:
    assert own_response_id(CONTEXT) == "resp_" + "f" * 32


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(5, 5), (5.9, 5), (0, 0), (None, 1000), ("5", 1000), (True, 1000), (math.inf, 1000)],
)
def test_the_creation_time_is_whole_seconds_or_now(value: object, seconds: int) -> None:
    assert created(value, CONTEXT) == seconds


def test_the_model_of_a_reply_is_the_one_asked_for() -> None:
    assert model_name("upstream", CONTEXT) == "asked"


def test_the_model_of_a_reply_can_be_the_upstreams() -> None:
    context = Context("asked", "sent", settings=TranslationSettings(echo_model="upstream"))
    assert model_name("upstream", context) == "upstream"
    assert model_name(None, context) == "sent"


def test_the_fingerprint_is_the_first_that_a_reply_has() -> None:
    assert fingerprint([{}, {"system_fingerprint": 1}, {"system_fingerprint": "fp"}]) == "fp"
    assert fingerprint([{}]) is None
