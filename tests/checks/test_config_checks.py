"""The checks of other layers are made for configurations that need them."""

import sys
from pathlib import Path

import pytest

from gateway.checks.config_checks import doubts, refusals
from gateway.config.load import ConfigError, load
from tests.certificates import make_pair


def test_without_parameters_nothing_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("models: {a: b}")
    settings = load(path, {}, further=refusals)
    assert [*doubts(settings)] == []


def test_parameters_are_judged_before_the_start(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("models: {a: b, c: {params: {set: {n: 1, logprobs: 3}}}}")
    assert len([*doubts(load(path, {}, further=refusals))]) == 1
    path.write_text("models: {a: b, c: {params: {set: {n: many}}}}")
    with pytest.raises(ConfigError, match=r"models\.c\.params\.set\.n: must be an integer"):
        load(path, {}, further=refusals)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% for m in messages %}\n{{ m.content }", "line 2: unexpected '}'"),
        ("{% nonsense %}", "line 1: Encountered unknown tag 'nonsense'."),
    ],
)
def test_a_template_is_compiled_and_reported_beside_other_problems(
    tmp_path: Path, source: str, reason: str
) -> None:
    path = tmp_path / "gateway.yaml"
    (tmp_path / "t.jinja").write_text(source)
    path.write_text("server: {port: x}\nmodels:\n  b: {template: {path: t.jinja}}\n")
    with pytest.raises(ConfigError) as refused:
        load(path, {}, further=refusals)
    port, template = map(str, refused.value.problems)
    assert port.startswith(f"{path}:1: server.port")
    where = f"{path}:3: models.b.template: is not a template of Jinja"
    assert template == f"{where}: {tmp_path}/t.jinja, {reason}"
    (tmp_path / "t.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    path.write_text("models: {a: c, b: {template: {path: t.jinja}}, d: {template: chatml}}")
    assert load(path, {}, further=refusals).models


def warned(path: Path, text: str) -> list[str]:
    path.write_text(text)
    return [*doubts(load(path, {}, further=refusals))]


def test_an_effort_that_openai_does_not_have_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    (warning,) = warned(path, "models: {a: {reasoning_effort: BOGUS}, b: {reasoning_effort: max}}")
    assert warning == (
        "models.a.reasoning_effort: is not one of none, minimal, low, medium, high, xhigh, max; "
        "most servers will refuse it"
    )


def test_a_tokenizer_that_tiktoken_does_not_have_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gateway.yaml"
    rules = (
        "models: {a: {tokenizer: o200k_bas}, b: {tokenizer: p50k_base}, c: {tokenizer: bogus_enc}}"
    )
    everywhere, rule = warned(path, f"translation: {{tokenizer: bogus_enc}}\n{rules}")
    assert everywhere.startswith("translation.tokenizer: is not an encoding of tiktoken; there are")
    assert rule == (
        "models.a.tokenizer: is not an encoding of tiktoken; did you mean 'o200k_base'?"
    )
    assert warned(path, "models: {a: {tokenizer: p50k_base}}") == []
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    assert warned(path, f"translation: {{tokenizer: bogus_enc}}\n{rules}") == []


def test_a_certificate_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path) -> None:
    make_pair(tmp_path, "one")
    make_pair(tmp_path, "other")
    path = tmp_path / "gateway.yaml"
    path.write_text("server:\n  tls: {certificate: one.pem, key: one-key.pem}\n")
    load(path, {}, further=refusals)
    path.write_text("server:\n  tls: {certificate: one.pem, key: other-key.pem}\n")
    with pytest.raises(ConfigError) as error:
        load(path, {}, further=refusals)
    (problem,) = error.value.problems
    assert (problem.origin.line, problem.key) == (2, "server.tls")
    assert problem.message == "the key does not belong to the first certificate of the chain"


def test_certificates_for_upstreams_are_checked_too(tmp_path: Path) -> None:
    make_pair(tmp_path, "one")
    make_pair(tmp_path, "old", valid=(-9, -1))
    make_pair(tmp_path, "locked", password=b"secret")
    path = tmp_path / "gateway.yaml"

    def text(certificate: str, key: str) -> str:
        tls = f"{{certificate: {certificate}.pem, key: {key}-key.pem}}"
        return f"upstreams:\n  a: {{base_url: 'https://a.example/v1', tls: {tls}}}\n"

    assert warned(path, text("one", "one")) == []
    (expired,) = warned(path, text("old", "old"))
    assert expired.startswith("upstreams.a.tls.certificate: expired on ")
    assert expired.endswith("; the upstream refuses it")
    for key, message in (("old", "the key does not belong"), ("locked", "the key is encrypted")):
        path.write_text(text("one" if key == "old" else key, key))
        with pytest.raises(ConfigError) as error:
            load(path, {}, further=refusals)
        (problem,) = error.value.problems
        assert (problem.origin.line, problem.key) == (2, "upstreams.a.tls")
        assert problem.message.startswith(message)


def test_a_bundle_is_loaded_and_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    path.write_text("upstreams:\n  openai:\n    verify: ca.pem\n")
    with pytest.raises(
        ConfigError, match=r"gateway.yaml:3: upstreams\.openai\.verify: names no us"
    ):
        load(path, {}, further=refusals)
    pair = make_pair(tmp_path, "one")
    path.write_text(f"upstreams:\n  openai:\n    verify: {pair.certificate}\n")
    assert load(path, {}, further=refusals).bundles
