from typing import Any

import pytest
from openai.types.responses import Response

from gateway.demo import emulator, kept_items
from gateway.demo.kept_items import KeptItems
from gateway.demo.models import PRIVATE_KEY
from gateway.demo.refusals import Refused
from tests.demo.client import ask, post
from tests.demo.endpoints.test_responses import PATH, SAY, response, text_of

ASKED = {"role": "user", "content": "please call say"}


def referring(*ids: str) -> list[dict[str, Any]]:
    return [{"type": "item_reference", "id": each} for each in ids]


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5-codex"])
def test_a_tool_loop_by_references(model: str) -> None:
    first = response([ASKED], model=model, tools=[SAY])
    *reasoning, call = first["output"]
    assert [item["type"] for item in reasoning] == (["reasoning"] if model == "gpt-5-codex" else [])
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "done"}
    given = [ASKED, *referring(*(item["id"] for item in first["output"])), output]
    second = response(given, model=model, tools=[SAY])
    assert text_of(second) == "The tool said: done"
    third = response([{"id": second["output"][-1]["id"]}, {"role": "user", "content": "bye"}])
    assert text_of(third) == "You said: bye"


def test_what_is_not_kept_is_not_found() -> None:
    unkept = response("hi", store=False)["output"][0]["id"]
    app = emulator.build()
    kept = post(app, PATH, model="gpt-4o-mini", input="hi").json()["output"][0]["id"]
    asked = {"model": "gpt-4o-mini", "input": referring(kept)}
    assert ask(app, "POST", PATH, asked).status == 200
    assert ask(app, "POST", PATH, asked, key=PRIVATE_KEY).status == 404
    status, message, param, _ = post(app, PATH, model="gpt-4o-mini", input=referring("x")).error()
    assert (status, param) == (404, "input")
    assert message.startswith("Item with id 'x' not found. Items are not persisted when `store`")
    assert post(app, PATH, model="gpt-4o-mini", input=referring(unkept)).status == 404


@pytest.mark.parametrize("item", [{"type": "item_reference"}, {"type": "item_reference", "id": 1}])
def test_a_reference_without_an_id_is_refused_by_name(item: dict[str, Any]) -> None:
    reply = post(emulator.build(), PATH, model="gpt-4o-mini", input=[item])
    assert (reply.status, reply.error()[2]) == (400, "input[0].id")


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_items, "MOST_ITEMS", 2)
    kept = KeptItems()
    kept.keep({"id": each} for each in "abc")
    assert kept.resolved({"input": referring("b", "c")}) == {"input": [{"id": "b"}, {"id": "c"}]}
    with pytest.raises(Refused):
        kept.resolved({"input": referring("a")})


def test_objects_are_those_of_the_openai_package() -> None:
    Response.model_validate(response([ASKED], tools=[SAY]))
