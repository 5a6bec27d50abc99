from dataclasses import replace
from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.draft import Draft
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.to_messages.thinking import Thinking, ThinkingRequest, write_thinking
from tests.translate.messages_upstreams import CLAUDE, OLDER, UNKNOWN, context

OPUS_45 = replace(OLDER, reasoning_effort=True, efforts=frozenset({"low", "medium", "high"}))
"""It takes efforts, and thinks within a budget."""
ALWAYS = replace(CLAUDE, thinking=frozenset({"adaptive"}))
"""It cannot be kept from thinking."""
SONNET_55 = replace(CLAUDE, thinking=frozenset({"adaptive", "between_tools"}))
"""It can be kept from thinking but between calls."""
NEVER_OFF = replace(OLDER, thinking=frozenset({"enabled"}))
SILENT = replace(CLAUDE, thinking=frozenset())
"""It takes efforts, and does not think."""
NAME = "reasoning_effort"


def written(
    effort: str | None,
    able: Capabilities = CLAUDE,
    limit: int | None = None,
    *,
    client: Json | None = None,
    configured: str | None = None,
    **more: Any,
) -> tuple[Json, Report, Thinking]:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    of = replace(context(able), reasoning_effort=configured)
    draft = Draft(client or {}, of, report)
    thinking = write_thinking(draft, ThinkingRequest(effort, NAME, limit, **more))
    return draft.upstream, report, thinking


ADAPTIVE = {"type": "adaptive"}


def budget(tokens: int) -> Json:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("effort", "able", "sent", "changed"),
    [
        ("low", CLAUDE, {"output_config": {"effort": "low"}, "thinking": ADAPTIVE}, []),
        ("xhigh", CLAUDE, {"output_config": {"effort": "xhigh"}, "thinking": ADAPTIVE}, []),
        (
            "minimal",
            CLAUDE,
            {"output_config": {"effort": "low"}, "thinking": ADAPTIVE},
            [f"{NAME}:minimal->low"],
        ),
        ("none", CLAUDE, {"thinking": {"type": "disabled"}}, []),
        ("none", ALWAYS, {"output_config": {"effort": "low"}}, [f"{NAME}:none->low"]),
        (
            "none",
            SONNET_55,
            {"thinking": {"type": "between_tools"}},
            [f"{NAME}:none->between_tools"],
        ),
        ("max", SONNET_55, {"output_config": {"effort": "max"}, "thinking": ADAPTIVE}, []),
        ("none", NEVER_OFF, {}, []),
        ("low", OLDER, {"thinking": budget(1024)}, []),
        ("minimal", OLDER, {"thinking": budget(1024)}, []),
        ("medium", OLDER, {"thinking": budget(8192)}, []),
        ("high", OLDER, {"thinking": budget(24576)}, []),
        ("xhigh", OLDER, {"thinking": budget(24576)}, []),
        (
            "max",
            OPUS_45,
            {"output_config": {"effort": "high"}, "thinking": budget(24576)},
            [f"{NAME}:max->high"],
        ),
        ("low", SILENT, {"output_config": {"effort": "low"}}, []),
        ("own-word", replace(CLAUDE, efforts=None), "own-word", []),
    ],
)
def test_an_effort_is_sent_as_the_model_takes_it(
    effort: str, able: Capabilities, sent: Json | str, changed: list[str]
) -> None:
    if isinstance(sent, str):
        sent = {"output_config": {"effort": sent}, "thinking": ADAPTIVE}
    upstream, report, thinking = written(effort, able)
    assert upstream == sent
    assert report.changed == changed
    assert not report.dropped
    kind = upstream.get("thinking", {}).get("type")
    assert thinking.is_on is (kind in ("adaptive", "enabled"))
    assert thinking.budget == upstream.get("thinking", {}).get("budget_tokens", 0)


@pytest.mark.parametrize("effort", ["none", "low"])
def test_an_effort_that_is_not_taken_is_reported(effort: str) -> None:
    upstream, report, thinking = written(effort, UNKNOWN)
    assert upstream == {}
    assert report.dropped == [NAME]
    assert thinking == Thinking()


@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh", "own-word"])
def test_an_effort_that_only_makes_the_model_think_is_changed(effort: str) -> None:
    able = replace(CLAUDE, reasoning_effort=False, efforts=None)
    upstream, report, _ = written(effort, able)
    assert upstream == {"thinking": ADAPTIVE}
    assert (report.changed, report.dropped) == ([f"{NAME}:{effort}->adaptive"], [])
    assert not written(None, able, configured=effort)[1].size
    for given in (ADAPTIVE, budget(2000), {"type": "disabled"}):
        upstream, report, _ = written(effort, able, client={"thinking": given})
        assert upstream == {"thinking": given}
        assert (report.changed, report.dropped) == ([], [NAME])


def test_what_the_operator_configured_gives_way_to_the_clients_own() -> None:
    for effort in ("none", "low"):
        given = {"thinking": budget(2000)}
        upstream, report, _ = written(None, OLDER, configured=effort, client=given)
        assert (upstream, report.size) == (given, 0)


@pytest.mark.parametrize("effort", ["none", "low"])
def test_what_the_operator_configured_is_not_reported(effort: str) -> None:
    for able in (UNKNOWN, ALWAYS, OLDER, CLAUDE, SONNET_55):
        _, report, _ = written(None, able, configured=effort, forced=True)
        assert not report.size
    assert written(None, CLAUDE, configured="high")[0]["output_config"] == {"effort": "high"}


def test_nothing_asked_is_nothing_sent() -> None:
    assert written(None)[0] == {}


@pytest.mark.parametrize(
    ("limit", "most", "tokens"),
    [
        (None, None, 24576),
        (None, 32000, 16000),
        (None, 128000, 24576),
        (64000, 128000, 24576),
        (4000, None, 2000),
        (1500, None, 1024),
        (1025, None, 1024),
        (1024, None, 0),
        (16, None, 0),
    ],
)
def test_a_budget_leaves_room_for_the_text(
    limit: int | None, most: int | None, tokens: int
) -> None:
    able = replace(OLDER, max_output_tokens=most)
    upstream, report, _ = written("high", able, limit)
    assert upstream == ({"thinking": budget(tokens)} if tokens else {})
    assert report.dropped == ([] if tokens else [NAME])


@pytest.mark.parametrize("limits", [{"forced": True}, {"lacks_thinking": True}])
def test_no_budget_where_it_is_not_taken(limits: Json) -> None:
    upstream, report, _ = written("high", OLDER, **limits)
    assert upstream == {}
    assert report.dropped == [NAME]
    upstream, report, _ = written("high", OPUS_45, **limits)
    assert upstream == {"output_config": {"effort": "high"}}
    assert report.changed == [f"{NAME}:high->high without thinking"]


def test_models_that_adapt_need_no_earlier_thinking() -> None:
    assert written("high", CLAUDE, lacks_thinking=True)[0]["thinking"] == ADAPTIVE
    upstream, report, _ = written("high", CLAUDE, forced=True)
    assert upstream == {"output_config": {"effort": "high"}}
    assert report.changed == [f"{NAME}:high->high without thinking"]


def test_a_client_may_ask_to_see_the_thinking() -> None:
    shown = {**ADAPTIVE, "display": "summarized"}
    assert written("high", CLAUDE, shown=True)[0]["thinking"] == shown


@pytest.mark.parametrize("effort", [None, "none", "low"])
def test_anthropics_own_parameter_comes_first(effort: str | None) -> None:
    upstream, report, thinking = written(effort, OLDER, client={"thinking": budget(2000)})
    assert upstream["thinking"] == budget(2000)
    assert thinking == Thinking(is_on=True, budget=2000)
    assert report.dropped == ([] if effort is None else [NAME])
    odd = written(effort, OLDER, client={"thinking": {"type": "enabled", "budget_tokens": "x"}})
    assert odd[2] == Thinking(is_on=True)


@pytest.mark.parametrize(
    "odd", ["odd", [], {}, {"type": []}, {"type": {}}, {"type": ["enabled"]}, {"type": 1}]
)
@pytest.mark.parametrize("effort", [None, "low"])
def test_what_is_not_thinking_is_dropped(effort: str | None, odd: object) -> None:
    upstream, report, thinking = written(effort, OLDER, client={"thinking": odd})
    assert upstream == written(effort, OLDER)[0]
    assert thinking == written(effort, OLDER)[2]
    assert report.dropped == ["thinking"]


@pytest.mark.parametrize("given", [ADAPTIVE, budget(2000)])
@pytest.mark.parametrize("effort", [None, "low"])
def test_anthropics_own_parameter_is_left_out_where_a_call_is_forced(
    given: Json, effort: str | None
) -> None:
    for able in (CLAUDE, OLDER):
        upstream, report, thinking = written(effort, able, client={"thinking": given}, forced=True)
        assert "thinking" not in upstream
        assert report.dropped[0] == "thinking"
        assert not thinking.is_on
    off = {"thinking": {"type": "disabled"}}
    assert written(effort, CLAUDE, client=off, forced=True)[0]["thinking"] == off["thinking"]
    # Of an unknown server's rules nothing is known.
    upstream, report, _ = written(None, UNKNOWN, client={"thinking": given}, forced=True)
    assert (upstream["thinking"], report.dropped) == (given, [])
