"""The bench's kinds of traffic, and how some of them are chosen."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from bench.cases import MANY_STREAMS, PAIRS, Case, baseline_of, case_for, cases
from gateway.shapes import Shape
from gateway.translate.plan import can_translate

ALL = cases(quick=False)


def test_names_are_unique() -> None:
    names = [case.name for case in ALL]
    assert len(set(names)) == len(names)


def test_a_quick_run_measures_some_of_all() -> None:
    quick = cases(quick=True)
    assert {case.name for case in quick} < {case.name for case in ALL}
    assert MANY_STREAMS in quick


def test_agents_are_measured_in_all_pairs_and_passed_through() -> None:
    names = {case.name for case in ALL if case.conversation is not None}
    shapes = (Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES)
    pairs = {f"agent_{a}_{b}" for a in shapes for b in shapes if can_translate(a, b) and a != b}
    assert names == pairs | {"agent"}


def test_nginx_passes_on_an_agents_own_bytes() -> None:
    for case in ALL:
        if case.conversation is not None:
            assert baseline_of(case) == case


def test_a_translation_is_compared_with_what_is_passed_on() -> None:
    (case,) = cases(quick=False, named="chat_responses_burst")
    assert baseline_of(case).name == "burst"


def test_litellm_is_asked_by_fewer_agents() -> None:
    small, agent = cases(quick=False, named="agent,request_c32")
    assert agent.name == "agent"
    assert case_for(agent, "LiteLLM").connections == 4
    assert case_for(small, "LiteLLM") == small
    assert case_for(agent, "Portkey") == agent


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_a_request_declares_the_length_of_its_body(case: Case) -> None:
    head, _, body = replace(case, turns=1).requests(8080, {"X-Own": "1"}).partition(b"\r\n\r\n")
    assert head.startswith(f"POST {case.client.endpoint} HTTP/1.1\r\n".encode())
    assert f"\r\nContent-Length: {len(body)}".encode() in head
    assert b"\r\nX-Own: 1" in head
    assert json.loads(body)["model"] == case.model


def test_an_agent_sends_the_turns_of_its_conversation() -> None:
    (case,) = cases(quick=False, named="agent")
    bodies = case.bodies()
    assert case.requests(8080, {}).count(b"POST ") == len(bodies) == case.turns
    said = [json.loads(body)["messages"] for body in bodies]
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(said))
    assert bodies[case.turns // 2] == case.body()


def test_cases_are_chosen_by_name_and_pattern() -> None:
    chosen = cases(quick=True, named="burst, agent_*_chat")
    names = [case.name for case in chosen]
    assert names == ["agent_responses_chat", "agent_messages_chat", "burst"]


def test_a_name_without_a_case_is_refused_with_those_there_are() -> None:
    found = r"'agnet' matches no case; choose from request_c1, .*agent"
    with pytest.raises(ValueError, match=found):
        cases(quick=False, named="burst,agnet")


def test_portkey_is_asked_where_it_translates() -> None:
    asked = {pair.title for pair in PAIRS if "Portkey" in pair.contenders}
    assert asked == {"chat→messages"}
