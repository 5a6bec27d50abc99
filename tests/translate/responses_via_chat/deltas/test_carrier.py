"""What reasoning carries back: nothing, if the text that the client gets is all of it."""

from dataclasses import dataclass
from typing import Any

import pytest

from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.responses_via_chat.deltas.carrier import Carrier

READER = Context("a", "b", capabilities=Capabilities(reasoning_field="reasoning_content"))


@dataclass
class Call:
    shown_id: str
    announced: bool = True


def carrier(*before: Call, **changed: Any) -> Carrier:
    known = {"is_shown": True, "demanded": False, "goes_on": False, **changed}
    return Carrier(READER, before, **known)


def test_a_text_that_the_client_gets_is_all_of_it() -> None:
    of = carrier()
    of.add_text(["reasoning_content", "reasoning"], "h")
    of.add_text(["reasoning_content"], "m")
    assert of.content() is None


@pytest.mark.parametrize("changed", [{"is_shown": False}, {"demanded": True}, {"goes_on": True}])
def test_otherwise_it_is_carried(changed: Any) -> None:
    of = carrier(Call("call_1"), **changed)
    of.add_text(["reasoning", "reasoning_content"], "h")
    of.add_text(["reasoning"], "m")
    assert of.content() == {
        "message": {"reasoning_content": "hm"},
        "calls": {"call_1": {}},
        "goes_on": changed.get("goes_on", False),
    }


def test_the_name_is_the_servers_own() -> None:
    of = carrier()
    of.add_text(["reasoning"], "hm")
    content = of.content()
    assert content is not None
    assert content["message"] == {"reasoning": "hm"}


def test_fields_of_calls_are_ready_once_their_ids_are_known() -> None:
    of, late = carrier(), Call("call_2", announced=False)
    assert of.is_ready
    of.sign(Call("call_1"), {"signature": "w"})
    of.sign(late, {"signature": "x"})
    of.sign(late, {"more": 1})
    of.add_fields({"details": []})
    readiness = [of.is_ready]
    late.announced = True
    assert [*readiness, of.is_ready] == [False, True]
    assert of.content() == {
        "message": {"details": []},
        "calls": {"call_1": {"signature": "w"}, "call_2": {"signature": "x", "more": 1}},
        "goes_on": False,
    }
