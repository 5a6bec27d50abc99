from typing import Any

import pytest
from openai.types.responses import CompactedResponse, InputTokenCountResponse

from tests.demo.client import Reply, ask, post
from tests.demo.endpoints.test_responses import APP, CLOCK, PATH, response, text_of

MESSAGES = [{"role": "user", "content": "Hello there"}]


def beside(name: str, **body: Any) -> Reply:
    return post(APP, f"{PATH}/{name}", **{"model": "gpt-4o-mini", **body})


def test_the_input_is_measured_as_a_response_would() -> None:
    reply = beside("input_tokens", input=MESSAGES, instructions="Be brief.", tools=[CLOCK]).json()
    InputTokenCountResponse.model_validate(reply, strict=True)
    used = response(MESSAGES, instructions="Be brief.")["usage"]["input_tokens"]
    assert reply == {"object": "response.input_tokens", "input_tokens": used}
    assert beside("input_tokens", input=None, tools=None).json()["input_tokens"] == 0
    assert beside("input_tokens", input="Hi").json()["input_tokens"] > 0


def test_a_conversation_becomes_one_item_that_can_be_gone_on_with() -> None:
    reply = beside("compact", input=MESSAGES).json()
    CompactedResponse.model_validate(reply)
    (item,) = reply["output"]
    assert (reply["object"], item["type"]) == ("response.compaction", "compaction")
    assert text_of(response([item, *MESSAGES])) == "You said: Hello there"


def test_references_lead_to_items_there_too() -> None:
    (item,) = response("one")["output"]
    given = [{"type": "item_reference", "id": item["id"]}]
    assert beside("input_tokens", input=given).json()["input_tokens"] > 0
    assert beside("compact", input=[{"type": "item_reference", "id": "x"}]).status == 404


@pytest.mark.parametrize("name", ["compact", "input_tokens"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"temperature": 1}, (400, "temperature")),
        ({"input": 1}, (400, "input")),
        ({"model": "gpt-3.5-turbo"}, (400, "model")),
        ({"model": None}, (400, None)),
        ({"previous_response_id": "resp_1"}, (400, "previous_response_id")),
    ],
)
def test_wrong_requests_are_refused_by_name(
    name: str, body: dict[str, Any], expected: tuple[int, str | None]
) -> None:
    status, _, param, _ = beside(name, **body).error()
    assert (status, param) == expected


@pytest.mark.parametrize("name", ["compact", "input_tokens", "resp_1"])
def test_what_can_be_looked_at_is_responses_only(name: str) -> None:
    assert ask(APP, "GET", f"{PATH}/{name}").status == 404
    assert post(APP, f"{PATH}/resp_1").status == 405
