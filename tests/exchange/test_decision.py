"""Decisions, as reply headers show them."""

import pytest

from gateway.exchange.decision import MAX_MODEL_LENGTH, Decision
from gateway.request_ids import header_line


def test_a_decision_shows_what_is_known_of_it() -> None:
    assert Decision().headers() == []
    known = Decision(upstream="openai", attempts=2, warning="schöne\N{SNOWMAN}")
    assert known.headers() == [
        (b"x-gateway-upstream", b"openai"),
        (b"x-gateway-attempts", b"2"),
        (b"x-gateway-warning", rb"sch\xf6ne\u2603"),
    ]


def test_warnings_add_up_and_are_said_once() -> None:
    decision = Decision()
    for text in ("", "a", "b", "a", ""):
        decision.warn(text)
    assert decision.headers() == [(b"x-gateway-warning", b"a; b")]


@pytest.mark.parametrize(
    ("texts", "taken", "left"),
    [
        (["a"], "a", ""),
        (["a", "b; c", "d"], "b; c", "a; d"),
        (["a", "b"], "a", "b"),
        (["a", "b"], "b", "a"),
        (["a"], "x", "a"),
        (["a"], "", "a"),
    ],
)
def test_a_warning_can_be_taken_back(texts: list[str], taken: str, left: str) -> None:
    decision = Decision()
    for text in texts:
        decision.warn(text)
    decision.take_back(taken)
    assert decision.warning == left


def test_an_upstreams_id_takes_the_place_of_a_new_one_but_not_of_the_clients() -> None:
    decision = Decision(id_line=header_line("new"))
    decision.identified([(b"x-request-id", b"up-1"), (b"x-other", b"x")])
    assert (decision.request_id, decision.id_line) == ("up-1", b"x-request-id: up-1\r\n")
    decision.identified([(b"x-request-id", b"not usable")])
    assert decision.request_id == "up-1"
    own = Decision(id_line=header_line("mine"), is_clients_id=True)
    own.identified([(b"x-request-id", b"up-1")])
    own.take_id_line(header_line("up-1"))
    assert own.request_id == "mine"


def test_an_id_may_come_as_a_line() -> None:
    decision = Decision(id_line=header_line("new"))
    decision.take_id_line(header_line("up-1"))
    decision.take_id_line(b"")
    assert decision.request_id == "up-1"


def test_a_name_that_was_not_checked_is_noted_as_far_as_names_reach() -> None:
    decision = Decision()
    decision.asked_for("x" * (MAX_MODEL_LENGTH + 1))
    assert decision.model_asked == "x" * MAX_MODEL_LENGTH
