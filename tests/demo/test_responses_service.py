"""Requests for responses, wherever they come from."""

import itertools

import pytest

from gateway.demo.accounts import Accounts
from gateway.demo.generation.barrier import Barrier
from gateway.demo.kept_responses import Earlier
from gateway.demo.refusals import Refused
from gateway.demo.responses_service import ResponsesService, keep

SERVICE = ResponsesService(itertools.count(1), 1_788_220_800, Barrier(), 0.0)
ACCOUNT = Accounts().authenticate("Bearer sk-1")
BODY = {"model": "gpt-4o-mini", "input": "and now?"}


def test_a_continued_response_begins_with_the_earlier_items() -> None:
    earlier = Earlier("resp_1", [{"role": "user", "content": "one two three"}])
    alone = SERVICE.answer(BODY, ACCOUNT).whole()
    continued = SERVICE.answer({**BODY, "previous_response_id": "resp_1"}, ACCOUNT, earlier).whole()
    assert continued["previous_response_id"] == "resp_1"
    assert alone["previous_response_id"] is None
    assert continued["usage"]["input_tokens"] == alone["usage"]["input_tokens"] + 6
    assert continued["output"][0]["content"] == alone["output"][0]["content"]


def test_without_an_earlier_response_none_is_found() -> None:
    with pytest.raises(Refused, match="'resp_1' not found"):
        SERVICE.answer({**BODY, "previous_response_id": "resp_1"}, ACCOUNT)


def test_items_are_kept_unless_nothing_is_to_be_stored() -> None:
    for store in (None, False):
        body = {**BODY, "store": store}
        answer = SERVICE.answer(body, ACCOUNT)
        keep(body, answer, ACCOUNT, ())
        reference = {"type": "item_reference", "id": answer.whole()["output"][0]["id"]}
        asked = {**BODY, "input": [reference, {"role": "user", "content": "x"}]}
        if store is None:
            assert SERVICE.answer(asked, ACCOUNT).whole()["status"] == "completed"
        else:
            with pytest.raises(Refused, match="not found"):
                SERVICE.answer(asked, ACCOUNT)
