"""config.yaml and docs/configuration.md say what the code does."""

import re
from pathlib import Path

import pytest

from gateway.config.load import load, warnings
from gateway.config.schema.configuration import SECTIONS, key_paths
from gateway.servers import PROFILES
from tests.config.configuring import loaded, refused
from tests.config.reference import DOCUMENT, documented_keys, rewritten, sections, shown, table

DEFAULT = Path(__file__).parents[2] / "config.yaml"


def test_the_default_file_is_the_defaults() -> None:
    assert load(DEFAULT, {}) == load(None, {})
    assert warnings(load(DEFAULT, {})) == []


def test_the_default_file_takes_a_key_from_the_environment() -> None:
    environ = {"GATEWAY_UPSTREAMS__OPENAI__API_KEY": "sk-x"}
    assert load(DEFAULT, environ) == load(None, environ)


def test_the_default_file_mentions_every_key_and_kind() -> None:
    text = DEFAULT.read_text("utf-8")
    for path in key_paths():
        assert re.search(rf"\b{path[-1]}:", text), path
    for kind in PROFILES:
        assert str(kind) in text


def test_every_key_with_a_default_is_written_in_the_default_file() -> None:
    text = DEFAULT.read_text("utf-8")
    for path in documented_keys():
        if path[0] not in {"models", "clients"}:
            assert re.search(rf"^ *{path[-1]}:", text, re.MULTILINE), path


def test_the_examples_in_the_default_file_work(tmp_path: Path) -> None:
    lines = DEFAULT.read_text("utf-8").splitlines()
    live = [re.sub(r"^#(?=\S|  )", "", line) for line in lines if line not in EMPTY_SECTIONS]
    body = "\n".join(line for line in live[live.index("server:") - 1 :])
    body = body.replace("api_key: null ", "api_key: sk-x ")
    (tmp_path / "llama.jinja").write_text("{{ messages }}")
    settings = loaded(tmp_path, body, {"AZURE_API_KEY": "k"})
    assert [upstream.name for upstream in settings.upstreams] == ["openai", "local", "azure"]
    assert [rule.pattern for rule in settings.models] == [
        "text-davinci-003",
        "support-bot",
        "base-*",
        "openai/*",
        "llama-*",
        "o1-pro",
    ]
    assert [client.name for client in settings.clients] == ["team-a"]
    assert warnings(settings) == []


EMPTY_SECTIONS = {"models: {}", "clients: []"}


def test_the_reference_has_every_key_as_the_schema_has_it() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert rewritten(text) == text, "run python -m tests.config.reference"
    tables = "".join(map(table, sections(text)))
    for path in documented_keys():
        assert f"| `{shown(path)}` |" in tables


def test_the_reference_has_every_section_and_kind() -> None:
    text = DOCUMENT.read_text("utf-8")
    for section in SECTIONS:
        assert f"\n## {section}\n" in text
    for kind in PROFILES:
        assert f"`{kind}`" in text


@pytest.mark.parametrize("path", [path for path in documented_keys() if path[0] != "clients"])
def test_every_documented_variable_sets_its_key(path: tuple[str, ...], tmp_path: Path) -> None:
    name = "GATEWAY_" + "__".join("NAME" if part == "*" else part.upper() for part in path)
    text = "upstreams: {NAME: {base_url: 'http://a/v1'}}\nmodels: {NAME: {template: {name: raw}}}"
    # No key takes this text, so a key that is reached answers with a problem of its own.
    found = refused(tmp_path, text, {name: "\x01\x02"})
    free_text = {
        "completion_system_prompt",
        "prefix",
        "separator",
        "bos_token",
        "eos_token",
        "stop",
    }
    if path[-1] in free_text:
        assert found == []
    else:
        assert any(name in problem and "unknown key" not in problem for problem in found)
