"""What tells a second time that a response has ended is known as such."""

import pytest

from gateway.exchange.sockets import ends as module
from gateway.exchange.sockets.ends import Ends
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
def test_a_second_end(first: str, second: str, *, is_one: bool) -> None:
    ends = Ends()
    assert not ends.is_second(event(second))
    ends.note("r1", event(first))
    assert ends.is_second(event(second)) is is_one
    assert not ends.is_second(event(second, "r2"))


def test_without_an_id_nothing_is_known() -> None:
    ends = Ends()
    ends.note("", event("error", ""))
    assert not ends.is_second(event("response.failed", ""))


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    ends = Ends()
    for name in ("r1", "r2", "r3"):
        ends.note(name, event("error", name))
    known = [name for name in ("r1", "r2", "r3") if ends.is_second(event("response.done", name))]
    assert known == ["r2", "r3"]
