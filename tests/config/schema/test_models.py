"""`translation:` and the rules under `models:`."""

from pathlib import Path

import pytest

from gateway.config.settings import ModelRule
from gateway.config.translation_settings import TemplateSettings
from gateway.shapes import CallTimeouts
from tests.config.configuring import check_refusal, loaded


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("models: {a: {template: zzz}}", "models.a.template: must be raw, transcript, human"),
        ("models: {a: {template: chtml}}", "finetune, chatml or jinja; did you mean 'chatml'?"),
        ("models: {a: {template: {}}}", "models.a.template.name: is required"),
        ("models: {a: {template: jinja}}", "models.a.template: needs a path for the template jin"),
        ("models: {a: {template: {name: raw, path: x}}}", "models.a.template: needs a path for"),
        ("models: {a: {template: {name: raw, stop: ['']}}}", "template.stop[0]: must not be empty"),
    ],
)
def test_a_wrong_template_is_refused_with_key_and_advice(
    tmp_path: Path, text: str, problem: str
) -> None:
    check_refusal(tmp_path, text, problem)


def test_an_alias_is_short_for_a_rule(tmp_path: Path) -> None:
    short = loaded(tmp_path, "models: {alias: target}")
    assert short.models == (ModelRule("alias", model="target"),)
    assert short == loaded(tmp_path, "models: {alias: {model: target}}")


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("chatml", TemplateSettings("chatml")),
        ("{name: raw, stop: x}", TemplateSettings("raw", stop=("x",))),
        (
            "{name: finetune, prefix: P, separator: S, stop: [a, b]}",
            TemplateSettings("finetune", prefix="P", separator="S", stop=("a", "b")),
        ),
        ("null", None),
    ],
)
def test_a_template_is_a_name_or_a_mapping(
    tmp_path: Path, written: str, used: TemplateSettings | None
) -> None:
    (rule,) = loaded(tmp_path, f"models: {{a: {{template: {written}}}}}").models
    assert rule.template == used


@pytest.mark.parametrize("name", ["", "name: jinja, "])
def test_a_jinja_template_is_read_at_start(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.jinja"
    path.write_text("{{ x }}\r\n", "utf-8", newline="")
    text = f"models: {{a: {{template: {{{name}path: {path}, bos_token: B, eos_token: E}}}}}}"
    (rule,) = loaded(tmp_path, text).models
    assert rule.template == TemplateSettings(
        "jinja", path=str(path), source="{{ x }}\r\n", bos_token="B", eos_token="E"
    )


def test_a_model_has_timeouts_of_its_own(tmp_path: Path) -> None:
    (rule,) = loaded(tmp_path, "models: {a: {timeouts: {first_byte: 5}}}").models
    assert rule.timeouts == CallTimeouts(first_byte=5.0)
    (rule,) = loaded(tmp_path, "models: {a: {timeouts: null}}").models
    assert rule.timeouts is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{connect: 1}", "timeouts.connect: unknown key 'connect'"),
        ("{first_byte: 0}", "models.a.timeouts.first_byte: must be more than 0"),
    ],
)
def test_what_is_the_upstreams_alone_is_not_a_timeout_of_a_model(
    tmp_path: Path, text: str, problem: str
) -> None:
    check_refusal(tmp_path, f"models: {{a: {{timeouts: {text}}}}}", problem)
