"""A compaction is requested by a trigger, made of text only, and a message in later turns."""

from dataclasses import replace

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.responses_via_chat.compaction import (
    INTRODUCTION,
    REQUEST,
    TRIGGER,
    is_wanted,
    summary_of,
    without_form,
)
from tests.translate.responses_via_chat.chat_backend import asking, context
from tests.translate.sealing import OpenSeal

USER: Json = {"type": "message", "role": "user", "content": "Hi"}
ASKED: Json = {"type": TRIGGER}
SEALING = replace(context(), seal=OpenSeal())


@pytest.mark.parametrize(
    ("given", "wanted"), [([USER, ASKED], True), ([ASKED], True), ([USER], False), ("Hi", False)]
)
def test_the_last_item_asks_for_a_compaction(given: object, wanted: bool) -> None:
    assert is_wanted({"input": given}, SEALING) is wanted
    assert not is_wanted({"input": given}, context())
    assert not is_wanted({}, SEALING)


@pytest.mark.parametrize("given", [[ASKED, USER], [USER, ASKED, ASKED]])
def test_a_trigger_elsewhere_is_refused(given: list[Json]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        is_wanted({"input": given}, SEALING)
    assert refused.value.param == f"input[{given.index(ASKED)}]"
    assert "must be the last item" in refused.value.message


def test_the_summary_is_text_whatever_the_client_wants() -> None:
    form: Json = {"response_format": {}, "logprobs": True, "top_logprobs": 1, "verbosity": "low"}
    kept: Json = {"model": "m", "temperature": 0}
    assert without_form({**kept, **form}) == kept
    tools: Json = {"tools": [{"type": "function"}], "tool_choice": "required"}
    assert without_form({**kept, **tools}) == {**kept, **tools, "tool_choice": "none"}


def test_the_trigger_becomes_the_prompt() -> None:
    translation = asking(SEALING, input=[USER, ASKED])
    messages = translation.calls[0]["messages"]
    assert messages[-1] == {"role": "user", "content": REQUEST}
    assert translation.report.emulated == ["input[1]"]


def test_a_compaction_is_its_summary_where_the_gateway_made_it() -> None:
    sealed = OpenSeal().close({"kind": "compaction", "text": "They met."})
    assert summary_of({"encrypted_content": sealed}, SEALING) == f"{INTRODUCTION}They met."
    assert summary_of({"encrypted_content": sealed}, context()) is None
    reasoning = OpenSeal().close({"kind": "turn", "message": {}, "calls": {}})
    for foreign in (reasoning, "gAAAA", None, 5):
        assert summary_of({"encrypted_content": foreign}, SEALING) is None
    assert summary_of({}, SEALING) is None
