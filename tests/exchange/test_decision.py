"""Decisions, as reply headers show them."""

from gateway.exchange.decision import Decision


def test_a_decision_shows_what_is_known_of_it() -> None:
    assert Decision().headers() == []
    known = Decision(upstream="openai", attempts=2, warning="schöne\N{SNOWMAN}")
    assert known.headers() == [
        (b"x-gateway-upstream", b"openai"),
        (b"x-gateway-attempts", b"2"),
        (b"x-gateway-warning", "schöne?".encode("latin-1")),
    ]


def test_warnings_add_up_and_are_said_once() -> None:
    decision = Decision()
    for text in ("", "a", "b", "a", ""):
        decision.warn(text)
    assert decision.headers() == [(b"x-gateway-warning", b"a; b")]
