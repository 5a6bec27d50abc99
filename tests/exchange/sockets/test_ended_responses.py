"""What tells a second time that a response has ended is known as such."""

import pytest

from gateway.exchange.sockets import ended_responses as module
from gateway.exchange.sockets.ended_responses import EndedResponses
from gateway.exchange.sockets.events import Event


def event(kind: str, response_id: str = "r1") -> Event:
    return Event(kind, response_id=response_id)


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("response.completed", "response.done", True),
        ("response.failed", "response.done", True),
        ("error", "response.done", True),
        ("error", "response.failed", True),
        ("response.done", "response.done", False),
        ("response.completed", "response.completed", False),
        ("response.completed", "response.failed", False),
        ("error", "error", False),
        ("error", "response.output_text.delta", False),
    ],
)
def test_an_end_of_another_kind_tells_again(first: str, second: str, *, is_one: bool) -> None:
    ended = EndedResponses()
    assert not ended.tells_again(event(second))
    ended.note("r1", event(first))
    assert ended.tells_again(event(second)) is is_one
    assert not ended.tells_again(event(second, "r2"))


def test_without_an_id_nothing_is_known() -> None:
    ended = EndedResponses()
    ended.note("", event("error", ""))
    assert not ended.tells_again(event("response.failed", ""))


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    ended = EndedResponses()
    for name in ("r1", "r2", "r3"):
        ended.note(name, event("error", name))
    known = [name for name in ("r1", "r2", "r3") if ended.tells_again(event("response.done", name))]
    assert known == ["r2", "r3"]
