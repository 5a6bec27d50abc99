"""Requests without what their endpoint has refused."""

import pytest

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.request_fields import Routed
from gateway.exchange.params.fixing import (
    beside_values,
    change_delivery,
    fixed_bodies,
    for_clients,
    for_own_clients,
    knowing,
    may_apply,
    parameter_names,
    subject_of,
)
from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.resolve.refusals.parameter_fixes import ANTHROPICS, NONE_GIVEN, Action, ParameterFix
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from gateway.translate.renaming import Renaming

CONTEXT = Context(model_asked="m", model_sent="m")


def translation(body: Json) -> Renaming:
    return Renaming(Shape.CHAT, body, CONTEXT)


def test_parameters_are_named_one_level_deep() -> None:
    body = {"a": 1, "reasoning": {"effort": "low", "more": {"deep": 1}}, "list": [{"x": 1}]}
    assert parameter_names(body) == {
        *("a", "reasoning", "reasoning.effort", "reasoning.more", "list"),
    }


def test_a_fix_may_apply_where_the_body_has_its_field() -> None:
    fix, nested = ParameterFix("drop", "seed"), ParameterFix("drop", "reasoning.summary")
    assert may_apply((fix,), b'{"seed": 1}')
    assert may_apply((fix, nested), b'{"reasoning": {}}')
    assert not may_apply((fix, nested), b'{"messages": [{"seed": 1}]}')
    with pytest.raises(InvalidRequest):
        may_apply((fix,), b"[]")


@pytest.mark.parametrize("action", ["fill", "strip"])
def test_a_fix_of_the_history_may_apply_where_there_are_messages(action: str) -> None:
    fix = ParameterFix(action, "reasoning_content")  # type: ignore[arg-type]
    assert may_apply((fix,), b'{"messages": []}')
    assert not may_apply((fix,), b'{"reasoning_content": ""}')


def test_what_is_left_out_is_known_not_to_be_taken() -> None:
    withheld, renamed = ParameterFix("withhold", "n"), ParameterFix("rename", "stop", "stops")
    known = knowing(CONTEXT, (withheld, renamed))
    assert (CONTEXT.capabilities.n, known.capabilities.n) == (True, False)
    assert known.capabilities.stop
    assert not known.own_endpoint.n
    one_value = ParameterFix("drop", "reasoning_effort", given="xhigh")
    assert knowing(CONTEXT, (one_value,)) == CONTEXT


def test_what_the_gateway_answers_by_itself_has_nothing_to_fix() -> None:
    body = {"model": "asked", "prompt": "Hi", "max_tokens": 0}
    made = plan(Shape.COMPLETIONS, Shape.CHAT, body, CONTEXT)
    fixes = (
        ParameterFix("drop", "seed"),
        ParameterFix("limit", "max_tokens", "5"),
        ParameterFix("retell", "messages", "user"),
    )
    assert fixed_bodies(made, fixes) == []
    assert not made.report.dropped


def test_without_fixes_the_bodies_are_the_translations_own() -> None:
    made = translation({"seed": 1})
    assert fixed_bodies(made, ()) is made.calls


@pytest.mark.parametrize(
    ("fix", "dropped", "changed"),
    [
        (ParameterFix("drop", "seed"), ["seed"], []),
        (
            ParameterFix("rename", "max_tokens", "max_completion_tokens"),
            [],
            ["max_tokens->max_completion_tokens"],
        ),
        (ParameterFix("drop", "user"), [], []),
        (ParameterFix("drop", "list", given="x"), ["list[x]"], []),
        (ParameterFix("drop", "list", given="z"), [], []),
        (ParameterFix("drop", "nulls"), ["nulls"], []),
        (ParameterFix("withhold", "n"), [], []),
    ],
)
def test_a_fix_is_reported_if_it_changed_something(
    fix: ParameterFix, dropped: list[str], changed: list[str]
) -> None:
    made = translation({"seed": 1, "max_tokens": 2, "list": ["x", "y"], "nulls": [None]})
    fixed_bodies(made, (fix,))
    assert (made.report.dropped, made.report.changed) == (dropped, changed)


def test_a_fix_of_the_history_is_reported_if_it_changed_a_message() -> None:
    strip = ParameterFix("strip", "reasoning_content")
    turns = [{"role": "assistant", "content": "Hi", "reasoning_content": "Hm"}]
    had, had_not = translation({"messages": turns}), translation({"messages": []})
    (body,) = fixed_bodies(had, (strip,))
    assert body["messages"] == [{"role": "assistant", "content": "Hi"}]
    assert had.report.dropped == ["reasoning_content"]
    fixed_bodies(had_not, (strip,))
    assert had_not.report.dropped == []


def test_a_lowered_limit_is_reported_with_both_values() -> None:
    limit = ParameterFix("limit", "max_tokens", "100")
    made = translation({"max_tokens": 32_000})
    assert fixed_bodies(made, (limit,)) == [{"max_tokens": 100, "model": "m"}]
    assert made.report.changed == ["max_tokens:32000->100"]


def test_what_is_refused_beside_other_values_holds_for_the_same_ones() -> None:
    drop, limit = ParameterFix("drop", "top_p", once=True), ParameterFix("limit", "n", "1")
    refused: Json = {"top_p": 0.5, "thinking": {"type": "enabled", "budget_tokens": 2000}}
    (known, other) = beside_values((drop, limit), lambda: refused)
    assert (other, known.once, known.name) == (limit, True, "top_p")
    assert known.beside is not None
    assert "enabled" not in known.beside
    again = {"thinking": {"budget_tokens": 2000, "type": "enabled"}, "top_p": 0.5, "seed": 3}
    assert apply_fixes(again, (known,)) == {"thinking": refused["thinking"], "seed": 3}
    for changed in ({"top_p": 0.6}, {"thinking": None}, {"tool_choice": "none"}):
        body = {**refused, **changed}
        assert apply_fixes(body, (known,)) == body
    assert knowing(CONTEXT, (known,)).capabilities.top_p

    def never() -> Json:
        raise AssertionError

    assert beside_values((limit,), never) == (limit,)


def test_a_limit_of_the_whole_context_may_be_lowered_twice_and_is_reported() -> None:
    known = ParameterFix("room", "max_tokens", "8192")
    once = ParameterFix("room", "max_tokens", "8192", once=True)
    made = translation({"max_tokens": 32_000})
    (sent,) = fixed_bodies(made, (known,))
    assert 7800 < sent["max_tokens"] < 8192
    assert made.report.changed == [f"max_tokens:32000->{sent['max_tokens']}"]
    (again,) = fixed_bodies(made, (known, once))
    assert again["max_tokens"] == 2048
    assert {subject_of(known), subject_of(once)} == {"max_tokens", "fit max_tokens"}
    assert for_own_clients((known, once), Shape.CHAT) == ()


def test_what_has_taken_an_efforts_place_may_be_dropped() -> None:
    replaced = ParameterFix("replace", "reasoning_effort", "xhigh", "high")
    dropped = ParameterFix("drop", "reasoning_effort", given="xhigh")
    assert subject_of(replaced) == "reasoning_effort"
    assert subject_of(dropped) == "reasoning_effort=xhigh"
    assert subject_of(ParameterFix("drop", "reasoning_effort")) == "reasoning_effort"
    made = translation({"reasoning_effort": "high"})
    assert fixed_bodies(made, (replaced, dropped)) == [{"model": "m"}]
    assert (made.report.changed, made.report.dropped) == ([], ["reasoning_effort"])


def test_a_limit_that_is_lowered_twice_is_reported_once() -> None:
    fixes = (ParameterFix("limit", "max_tokens", "100"), ParameterFix("fit", "max_tokens", "90"))
    made = translation({"max_tokens": 32_000})
    assert fixed_bodies(made, fixes) == [{"max_tokens": 90, "model": "m"}]
    assert made.report.changed == ["max_tokens:32000->90"]


@pytest.mark.parametrize("body", [{"max_tokens": 100}, {"max_tokens": "a lot"}, {}])
def test_a_limit_that_fits_is_left_and_not_reported(body: Json) -> None:
    limit, drop = ParameterFix("limit", "max_tokens", "100"), ParameterFix("drop", "seed")
    made = translation({**body, "seed": 1})
    (sent,) = fixed_bodies(made, (limit, drop))
    assert sent.get("max_tokens") == body.get("max_tokens")
    assert (made.report.changed, made.report.dropped) == ([], ["seed"])


def test_an_endpoints_own_clients_lower_their_limits_themselves() -> None:
    limit, drop = ParameterFix("limit", "max_tokens", "100"), ParameterFix("drop", "seed")
    assert for_own_clients((limit, drop), Shape.CHAT) == (drop,)


@pytest.mark.parametrize("action", ["limit", "fit", "room"])
def test_clients_of_messages_lower_limits_by_anthropics_words_alone(action: Action) -> None:
    lowered = ParameterFix(action, "max_tokens", "100")
    theirs = ParameterFix(action, "max_tokens", "100", ANTHROPICS)
    added = ParameterFix(action, "max_tokens", "100", NONE_GIVEN)
    assert for_own_clients((lowered, theirs, added), Shape.MESSAGES) == (lowered,)
    assert for_own_clients((lowered, theirs, added), Shape.RESPONSES) == ()


def test_hints_and_system_messages_are_fixed_for_clients_of_messages() -> None:
    retell, hint = ParameterFix("retell", "role", "user"), ParameterFix("drop", "metadata")
    tuning, meant = ParameterFix("drop", "temperature"), ParameterFix("drop", "stop_sequences")
    fixes = (retell, hint, tuning, meant)
    assert for_own_clients(fixes, Shape.MESSAGES) == (retell, hint, tuning)


def test_which_of_two_values_goes_is_for_clients_of_messages_to_say() -> None:
    beside = ParameterFix("drop", "top_p", once=True)
    effort = ParameterFix("replace", "output_config.effort", "high", "xhigh", once=True)
    assert for_own_clients((beside, effort), Shape.MESSAGES) == (effort,)
    assert for_own_clients((beside, effort), Shape.CHAT) == (beside, effort)


def test_edits_of_the_context_go_beside_what_they_need() -> None:
    edits = ParameterFix("drop", "context_management", once=True)
    assert for_own_clients((edits,), Shape.MESSAGES) == (edits,)


def test_what_other_models_have_written_is_fixed_for_clients_of_messages() -> None:
    ids, texts = ParameterFix("fill", "tool_use.id"), ParameterFix("fill", "content[text]")
    last = ParameterFix("fill", "messages[-1]")
    assert for_own_clients((ids, texts, last), Shape.MESSAGES) == (ids, texts)
    use = {"type": "tool_use", "id": "a:b", "name": "f", "input": {}}
    said = {"role": "assistant", "content": [{"type": "text", "text": " "}, use]}
    made = Renaming(Shape.MESSAGES, {"messages": [said]}, CONTEXT)
    ((sent,),) = [body["messages"] for body in fixed_bodies(made, (ids, texts))]
    assert [block["type"] for block in sent["content"]] == ["tool_use"]
    assert made.report.changed == ["tool_use.id:given->hash", "content[text]:blank->left out"]
    made = Renaming(Shape.MESSAGES, {"messages": [{"role": "user", "content": "Hi"}]}, CONTEXT)
    fixed_bodies(made, (ids, texts))
    assert made.report.size == 0


def test_parts_of_other_shapes_are_read_for_clients_of_chat_only() -> None:
    read, drop = ParameterFix("read", "parts"), ParameterFix("drop", "seed")
    assert for_clients((read, drop), Shape.CHAT, Shape.MESSAGES, CONTEXT) == (drop,)
    assert for_clients((read, drop), Shape.CHAT, Shape.CHAT, CONTEXT) == (read, drop)
    assert for_clients((), Shape.CHAT, Shape.CHAT, CONTEXT) == ()
    made = translation({"messages": []})
    assert fixed_bodies(made, (read,)) == [{"messages": [], "model": "m"}]
    assert made.report.size == 0
    strip = ParameterFix("strip", "cache_control")
    made = translation({"messages": [{"role": "user", "content": "Hi", "cache_control": {}}]})
    fixed_bodies(made, (read, strip))
    assert made.report.dropped == ["cache_control"]


@pytest.mark.parametrize(("role", "changed"), [("system", ["role:system->user"]), ("user", [])])
def test_system_messages_are_reported_where_there_are_any(role: str, changed: list[str]) -> None:
    retell, hint = ParameterFix("retell", "role", "user"), ParameterFix("drop", "metadata")
    turns = [{"role": role, "content": [{"type": "text", "text": "Hi"}]}]
    made = Renaming(Shape.MESSAGES, {"messages": turns, "metadata": {}}, CONTEXT)
    (sent,) = fixed_bodies(made, (retell, hint))
    assert [turn["role"] for turn in sent["messages"]] == ["user"]
    assert (made.report.changed, made.report.dropped) == (changed, ["metadata"])


@pytest.mark.parametrize("asked", [{}, {"stream": False}])
def test_whole_replies_may_have_to_be_streams(asked: Json) -> None:
    fixes = (ParameterFix("stream", "stream", "include_usage"),)
    assert may_apply(fixes, b'{"model": "m"}')
    assert change_delivery(fixes, asked)
    assert not change_delivery(fixes, {"stream": True})
    whole = (ParameterFix("whole", "stream"),)
    assert change_delivery(whole, {"stream": True})
    assert not change_delivery(whole, asked)
    assert not change_delivery((ParameterFix("drop", "stream"),), asked)
    assert for_own_clients(fixes, Shape.MESSAGES) == fixes


@pytest.mark.parametrize(("asked", "left"), [(True, 1), (False, 2), (None, 2)])
def test_a_stream_need_not_become_one(asked: object, left: int) -> None:
    fixes = (ParameterFix("stream", "stream"), ParameterFix("drop", "seed"))
    routed = Routed(stream=asked)
    assert len(for_clients(fixes, Shape.CHAT, Shape.CHAT, CONTEXT, routed)) == left
    assert for_clients(fixes, Shape.CHAT, Shape.CHAT, CONTEXT) == fixes


@pytest.mark.parametrize(("asked", "emulated"), [({}, ["stream"]), ({"stream": True}, [])])
def test_a_stream_that_is_asked_for_in_place_of_a_reply_is_reported(
    asked: Json, emulated: list[str]
) -> None:
    made = translation({"model": "m", **asked})
    (body,) = fixed_bodies(made, (ParameterFix("stream", "stream"),))
    assert body["stream"] is True
    assert made.report.emulated == emulated


@pytest.mark.parametrize(
    ("given", "dropped", "changed"),
    [
        ({"tool_choice": "required"}, [], ["thinking:none->disabled"]),
        (
            {"tool_choice": "required", "reasoning_effort": "low", "thinking": {"type": "enabled"}},
            ["reasoning_effort"],
            ["thinking:enabled->disabled"],
        ),
        ({"tool_choice": "auto", "reasoning_effort": "low"}, [], []),
    ],
)
def test_thinking_that_is_switched_off_is_reported(
    given: Json, dropped: list[str], changed: list[str]
) -> None:
    made = translation({"model": "m", **given})
    fixed_bodies(made, (ParameterFix("unthink", "thinking", "disabled"),))
    assert (made.report.dropped, made.report.changed) == (dropped, changed)
