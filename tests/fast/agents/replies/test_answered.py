"""Requests of which only the replies are still to be folded."""

from dataclasses import dataclass

from gateway.fast.agents.codec import ClientParam
from gateway.fast.agents.replies.answered import Answered, known_of


@dataclass(slots=True)
class _Prepared:
    first: str
    second: list[str]

    def client_param(self, call: int, param: str | None) -> str | None:
        return f"prepared {call} {param}"


@dataclass(slots=True)
class _Request(Answered, _Prepared):
    client_name: ClientParam


def test_names_are_found_elsewhere_and_all_else_stays() -> None:
    prepared = _Prepared("a", ["b"])
    known = known_of(prepared)
    assert known == {"first": "a", "second": ["b"]}
    request = _Request(**known, client_name=lambda call, param: f"client's {call} {param}")
    assert request.second is prepared.second
    assert request.client_param(1, "x") == "client's 1 x"
    assert not hasattr(request, "__dict__")
