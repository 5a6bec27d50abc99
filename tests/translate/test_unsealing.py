"""What the gateway has sealed is not sent to a server that would have to read it."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.shapes import ItemNames, Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.responses_via_chat.compaction import INTRODUCTION
from gateway.translate.unsealing import unsealed
from tests.translate.sealing import OpenSeal

USER: Json = {"role": "user", "content": "x"}
TEXT = [{"type": "reasoning_text", "text": "hm"}]
READER = replace(Capabilities(), reasoning_field="reasoning")
TURN = OpenSeal().close({"kind": "turn", "upstream": "up", "message": {}, "calls": {}})
LOST = OpenSeal("earlier").close({"kind": "turn"})
COMPACTED = OpenSeal().close({"kind": "compaction", "text": "all"})


def sent(given: Any, able: Capabilities = READER) -> tuple[Any, Report]:
    report = Report(Shape.RESPONSES, Shape.RESPONSES)
    context = Context("m", "m", capabilities=able, seal=OpenSeal())
    body, _ = unsealed({"input": given}, context, report)
    return body["input"], report


@pytest.mark.parametrize("sealed", [TURN, LOST])
def test_reasoning_is_sent_as_far_as_it_is_text(sealed: str) -> None:
    reasoning = {"type": "reasoning", "summary": [], "content": TEXT}
    items, report = sent([{**reasoning, "encrypted_content": sealed}, USER])
    assert items == [reasoning, USER]
    assert report.dropped == ["input[0].encrypted_content"]
    for given, able in ((reasoning, Capabilities()), ({**reasoning, "content": []}, READER)):
        items, report = sent([{**given, "encrypted_content": sealed}, USER], able)
        assert items == [USER]
        assert report.dropped == ["input[0]"]


def test_a_compaction_becomes_its_summary() -> None:
    items, report = sent([{"type": "compaction", "encrypted_content": COMPACTED}, USER])
    summary = {"type": "message", "role": "user", "content": f"{INTRODUCTION}all"}
    assert items == [summary, USER]
    assert report.changed == ["input[0]->message"]
    lost = {"type": "compaction", "encrypted_content": LOST}
    items, report = sent([lost, USER])
    assert (items, report.dropped) == ([USER], ["input[0]"])


@pytest.mark.parametrize(
    "given",
    [
        "x",
        None,
        [USER, 3, {"type": "reasoning", "encrypted_content": "gAAAA"}, {"encrypted_content": 3}],
    ],
)
def test_everything_else_stays(given: Any) -> None:
    items, report = sent(given)
    assert items == given
    assert report.size == 0


def test_what_is_left_has_the_names_that_the_client_gave_it() -> None:
    compacted: Json = {"type": "compaction", "encrypted_content": COMPACTED}
    lost = {"type": "reasoning", "encrypted_content": LOST}
    report = Report(Shape.RESPONSES, Shape.RESPONSES)
    context = Context("m", "m", capabilities=READER, seal=OpenSeal())
    _, items = unsealed({"input": [lost, USER, compacted]}, context, report)
    assert items == ItemNames([1, "input[2]"])
    again = replace(context, items=ItemNames([0, "input[1]", "input"]))
    assert unsealed({"input": [lost, USER, compacted]}, again, report)[1] == ItemNames(
        ["input[1]", "input"]
    )
    reasoning = {**lost, "content": TEXT}
    assert unsealed({"input": [reasoning, USER]}, context, report)[1] is None


def test_without_a_seal_nothing_is_looked_for() -> None:
    body = {"input": [{"type": "compaction", "encrypted_content": COMPACTED}]}
    report = Report(Shape.RESPONSES, Shape.RESPONSES)
    assert unsealed(body, Context("m", "m"), report) == (body, None)
