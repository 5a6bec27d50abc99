from typing import Any

import pytest

from tests.demo.client import ask
from tests.demo.messages_client import ADAPTIVE, APP, BUDGETED, PLAIN, VERSION, refusal

IDS = [ADAPTIVE, BUDGETED, PLAIN]


def listed(query: str = "") -> Any:
    reply = ask(APP, "GET", f"/v1/models{query}", headers={"anthropic-version": VERSION})
    assert reply.status == 200
    return reply.json()


def test_the_list_has_anthropics_models_only() -> None:
    page = listed()
    assert [card["id"] for card in page["data"]] == IDS
    assert (page["first_id"], page["last_id"], page["has_more"]) == (ADAPTIVE, PLAIN, False)
    assert page["data"][0]["capabilities"]["thinking"]["types"]["adaptive"] == {"supported": True}


@pytest.mark.parametrize(
    ("query", "ids", "has_more"),
    [
        ("limit=2", IDS[:2], True),
        (f"limit=2&after_id={BUDGETED}", IDS[2:], False),
        (f"limit=1&after_id={ADAPTIVE}", IDS[1:2], True),
        (f"limit=1&before_id={PLAIN}", IDS[1:2], True),
        (f"limit=5&before_id={BUDGETED}", IDS[:1], False),
        (f"after_id={PLAIN}", [], False),
    ],
)
def test_the_list_has_pages(query: str, ids: list[str], has_more: bool) -> None:
    page = listed(f"?{query}")
    assert [card["id"] for card in page["data"]] == ids
    assert page["has_more"] is has_more
    assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("limit=x", "limit: Input should be greater than or equal to 1"),
        ("limit=1001", "limit: Input should be less than or equal to 1000"),
        ("after_id=nope", "Model 'nope' not found"),
    ],
)
def test_a_page_that_there_cannot_be_is_refused(query: str, text: str) -> None:
    reply = ask(APP, "GET", f"/v1/models?{query}", headers={"anthropic-version": VERSION})
    assert refusal(reply) == (400, "invalid_request_error", text)


def test_one_model_has_a_card() -> None:
    headers = {"anthropic-version": VERSION}
    card = ask(APP, "GET", f"/v1/models/{PLAIN}", headers=headers).json()
    assert (card["display_name"], card["lifecycle"]) == ("Claude Demo Haiku 3.5", "deprecated")
    missing = ask(APP, "GET", "/v1/models/gpt-4o-mini", headers=headers)
    assert refusal(missing) == (404, "not_found_error", "model: gpt-4o-mini")
