"""A request for no tokens."""

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Shape
from gateway.translate.contract import Report
from gateway.translate.draft import Draft
from gateway.translate.parts.from_messages.local_reply import asks_nothing, empty_reply
from tests.translate.messages_prepared import TARGETS, context, prepared
from tests.translate.messages_requests import asked

DROPS = {"on_unsupported": "drop"}


def test_a_limit_of_0_is_refused() -> None:
    draft = Draft(asked(max_tokens=0), context(), Report(Shape.MESSAGES, Shape.CHAT))
    with pytest.raises(UnsupportedParameter) as caught:
        asks_nothing(draft)
    assert caught.value.param == "max_tokens"
    # It is required.
    assert "Remove" not in caught.value.message
    assert "Set at least 1" in caught.value.message


@pytest.mark.parametrize("target", TARGETS)
def test_it_is_answered_without_a_call_where_that_is_dropped(target: Shape) -> None:
    sent = prepared(asked(max_tokens=0), context(target, settings=DROPS), target)
    assert list(sent.request.calls) == []
    assert sent.report.dropped == ["max_tokens"]
    more = prepared(asked(max_tokens=16), context(target, settings=DROPS), target)
    assert len(more.request.calls) == 1


def test_the_reply_has_no_content() -> None:
    reply = empty_reply(context(new_id=lambda: "1"))
    assert reply["id"] == "msg_1"
    assert reply["model"] == "asked"
    assert (reply["content"], reply["stop_reason"]) == ([], "max_tokens")
    assert set(reply["usage"].values()) == {0}
