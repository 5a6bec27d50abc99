"""Hints of messages requests: what they become, and that none is lost without a word."""

from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.parts.from_messages.system import BILLING
from gateway.translate.schema.messages import MESSAGES_HINTS
from tests import kinds
from tests.translate.messages_prepared import Prepared, context, prepared
from tests.translate.messages_requests import (
    CLAUDE_CODE,
    added,
    asked,
    assistant,
    result,
    system,
    text,
    tool,
    use,
    user,
)

MARK = {"type": "ephemeral"}
VLLM = context(kind=kinds.VLLM)


@pytest.mark.parametrize("name", [name for name in MESSAGES_HINTS if name != "cache_control"])
def test_a_hint_is_dropped_and_reported(name: str) -> None:
    assert prepared(asked(**{name: {"of": "any form"}})).report.dropped == [name]
    assert prepared(asked(**{name: None})).report.dropped == []


def test_the_usual_speed_is_nothing_to_report() -> None:
    assert prepared(asked(speed="standard")).report.size == 0
    assert prepared(asked(speed="fast")).report.dropped == ["speed"]


@pytest.mark.parametrize(
    ("tier", "openai", "reported", "elsewhere"),
    [
        ("auto", "auto", [], []),
        ("standard_only", "default", [], ["service_tier"]),
        ("of tomorrow", None, ["service_tier"], ["service_tier"]),
    ],
)
def test_service_tiers_have_other_words(
    tier: str, openai: str | None, reported: list[str], elsewhere: list[str]
) -> None:
    sent = prepared(asked(service_tier=tier))
    assert sent.call.get("service_tier") == openai
    assert sent.report.dropped == reported
    sent = prepared(asked(service_tier=tier), VLLM)
    assert "service_tier" not in sent.call
    assert sent.report.dropped == elsewhere


def found(**fields: object) -> Json:
    """Return what a search has found, with fields of the text in it."""
    source = {"source": "https://a.example", "title": "T"}
    return {"type": "search_result", **source, "content": [text("b"), text("c", **fields)]}


def written(**fields: object) -> Json:
    """Return a document of texts, with fields of one of them."""
    source = {"type": "content", "content": [text("b"), text("c", **fields)]}
    return {"type": "document", "source": source}


def compacted(change: Json) -> Json:
    """Return what a conversation was made shorter to, after a change of its tools."""
    return assistant({"type": "compaction", "content": "c", "tool_changes": [change]})


MARKED: list[Json] = [
    asked(cache_control=MARK),
    asked(system=[text("a", cache_control=MARK)]),
    asked(tools=[tool("f", cache_control=MARK)]),
    asked(user("a", text("b", cache_control=MARK))),
    asked(user("a"), assistant(use("1")), user(result("1", cache_control=MARK))),
    asked(user("a"), assistant(use("1")), user(result("1", [text("b", cache_control=MARK)]))),
    asked(user("a", found(cache_control=MARK))),
    asked(user("a"), assistant(use("1")), user(result("1", [found(cache_control=MARK)]))),
    asked(user("a", written(cache_control=MARK))),
    asked(user("a"), assistant(use("1")), user(result("1", [written(cache_control=MARK)]))),
    asked(user("a"), system({**added("f"), "cache_control": MARK}), tools=[tool("f")]),
    asked(user("a"), system(added(definition=tool("f", cache_control=MARK)))),
    asked(compacted({**added("f"), "cache_control": MARK}), user("b"), tools=[tool("f")]),
]


@pytest.mark.parametrize("body", MARKED)
def test_marks_for_a_cache_are_one_entry_of_the_report(body: Json) -> None:
    sent = prepared(body)
    assert sent.report.emulated.count("cache_control") == 1
    assert "cache_control" not in str(sent.call)
    sent = prepared(body, VLLM)
    assert sent.report.dropped == ["cache_control"]
    assert "cache_control" not in str(sent.call)


def key(body: Json, **known: Any) -> object:
    return prepared(body, context(**known)).call["prompt_cache_key"]


def test_requests_of_one_session_have_one_key() -> None:
    bill = text(f"{BILLING} cc_version=1;")
    session, named = {"session": "s"}, {"metadata": {"user_id": "u"}}
    assert key(asked(), **session) == key(asked(user("x"), **named), **session)
    assert key(asked(**named)) == key(asked(system="a", **named))
    assert key(asked(system="a")) == key(asked(system=[bill, text("a"), text("b")]))
    different = {
        key(asked(), **session),
        key(asked(), session="t"),
        key(asked(**named)),
        key(asked(metadata={"user_id": 5})),
        key(asked(metadata="u", system="a")),
        key(asked(system="a"), model_sent="other"),
        key(asked(system="b")),
    }
    assert len(different) == 7
    assert all(isinstance(each, str) and len(each) == 32 for each in different)


def test_other_servers_get_no_key() -> None:
    assert "prompt_cache_key" not in prepared(asked(), VLLM).call


def test_all_that_claude_code_hints_is_in_the_report() -> None:
    sent: Prepared = prepared(CLAUDE_CODE)
    assert sent.report.header() == (
        "from=messages; to=chat; dropped=system[0],context_management,metadata; "
        "emulated=cache_control,tools[1].defer_loading"
    )
