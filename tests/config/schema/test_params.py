"""Parameters of requests that a rule changes, as they are written."""

from pathlib import Path

import pytest

from gateway.config.translation_settings import ParamSettings
from tests.config.configuring import check_refusal, loaded


def params(folder: Path, text: str, **environ: str) -> ParamSettings | None:
    (rule,) = loaded(folder, f"models: {{m: {{{text}}}}}", environ).models
    return rule.params


def test_all_three_are_read(tmp_path: Path) -> None:
    text = (
        "params: {set: {reasoning: {effort: low}, n: 1, stop: [a, 1.5], user: null}, "
        "default: {temperature: 0.2}, drop: [user_id, reasoning.summary]}"
    )
    assert params(tmp_path, text) == ParamSettings(
        {"reasoning": {"effort": "low"}, "n": 1, "stop": ["a", 1.5], "user": None},
        {"temperature": 0.2},
        ("user_id", "reasoning.summary"),
    )


def test_one_dropped_parameter_needs_no_list_and_none_are_needed(tmp_path: Path) -> None:
    assert params(tmp_path, "params: {drop: user}") == ParamSettings(drop=("user",))
    assert params(tmp_path, "params: {}") == ParamSettings()
    assert params(tmp_path, "params: null") is None


def test_different_parts_of_an_object_can_be_changed(tmp_path: Path) -> None:
    text = (
        "params: {set: {reasoning: {effort: low}, max_tokens: 5}, default: {text: {}}, "
        "drop: [reasoning.summary, reasoning_summary]}"
    )
    assert params(tmp_path, text) == ParamSettings(
        {"reasoning": {"effort": "low"}, "max_tokens": 5},
        {"text": {}},
        ("reasoning.summary", "reasoning_summary"),
    )
    assert params(tmp_path, "params: {drop: [a.b, a]}") == ParamSettings(drop=("a.b", "a"))


def test_the_environment_has_them_as_json(tmp_path: Path) -> None:
    value = '{"temperature": 0.2, "stop": ["a"]}'
    found = params(tmp_path, "", GATEWAY_MODELS__M__PARAMS__SET=value)
    assert found == ParamSettings(set={"temperature": 0.2, "stop": ["a"]})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("set: {model: x}", "params.set.model: cannot be changed; the rule's own model"),
        ("default: {stream: true}", "params.default.stream: cannot be changed"),
        ("set: {messages: []}", "params.set.messages: cannot be changed"),
        ("set: {input: x}", "params.set.input: cannot be changed"),
        ("drop: [prompt]", "params.drop[0]: cannot be changed; the client's prompt"),
        ("drop: [model.x]", "params.drop[0]: cannot be changed"),
        ("drop: [a..b]", "params.drop[0]: must be the name of a parameter, or a dotted path"),
        ("drop: ['']", "params.drop[0]: must be the name of a parameter"),
        ("set: {reasoning.effort: low}", "has a dot in its name; write an object"),
        ("set: {'': 1}", "must be the name of a parameter"),
        ("set: {a: [{b: .inf}]}", "must be a finite number"),
        ("set: {user: x}, drop: [user]", "params: sets user, and drops it; keep one of the two"),
        ("default: {user: x}, drop: user", "params: fills in user, and drops it"),
        ("set: {a: 1}, default: {a: 2}", "params: sets a, and fills it in"),
        (
            "set: {max_tokens: 1, max_completion_tokens: 2}",
            "params: sets max_tokens, and sets it as max_completion_tokens, the same parameter",
        ),
        ("set: {max_tokens: 1}, drop: max_output_tokens", "and drops it as max_output_tokens"),
        ("set: {reasoning_effort: a}, default: {reasoning: {effort: b}}", "as reasoning.effort"),
        ("set: {text: {verbosity: a}, verbosity: b}", "and sets it as verbosity"),
        ("set: {reasoning: {effort: a}}, drop: reasoning", "drops it as reasoning"),
        ("set: {a: 5}, drop: a.b", "sets a, and drops it as a.b"),
        ("set: [a]", "params.set: must be a mapping"),
        ("overwrite: {}", "unknown key 'overwrite'"),
    ],
)
def test_what_cannot_be_changed_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    check_refusal(tmp_path, f"models: {{m: {{params: {{{text}}}}}}}", problem)
