"""Values and keys from files of their own, such as mounted secrets."""

import os
import threading
from pathlib import Path

import pytest

from gateway.config.checks.problems import ConfigError, InvalidValue
from gateway.config.load import load
from gateway.config.reading.files import MAX_SECRET_BYTES, Files
from gateway.config.reading.source import Source
from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy
from tests.config.configuring import loaded, refused

KEY_FILE = "upstreams: {openai: {api_key_file: key}}"


@pytest.mark.parametrize("content", ["sk-canary", "sk-canary\n", "sk-canary\r\n"])
def test_a_reference_to_a_file_is_its_content_without_the_last_line_break(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "key").write_bytes(content.encode())
    for text in (
        'upstreams: {openai: {api_key: "${file:key}"}}',
        f'upstreams: {{openai: {{api_key: "${{file:{tmp_path}/key}}"}}}}',
        KEY_FILE,
    ):
        upstream = loaded(tmp_path, text).upstreams[0]
        assert upstream.api_key == Secret("sk-canary")
        assert upstream.credential is CredentialPolicy.KEY


def test_a_reference_to_a_file_may_be_part_of_any_value(tmp_path: Path) -> None:
    (tmp_path / "name").write_text("a.example\n")
    (tmp_path / "port").write_text("9001\n")
    text = (
        'server: {port: "${file:port}", allowed_hosts: ["${file:name}"]}\n'
        'upstreams: {x: {base_url: "http://${file:name}/v1"}}\n'
    )
    settings = loaded(tmp_path, text)
    assert settings.server.port == 9001
    assert settings.server.allowed_hosts == ("a.example",)
    assert settings.upstreams[0].base_url == "http://a.example/v1"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory; check the path"),
        (b"\xff canary", "is not UTF-8"),
        (b"canary" * MAX_SECRET_BYTES, f"is larger than {MAX_SECRET_BYTES} bytes"),
    ],
)
@pytest.mark.parametrize("text", [KEY_FILE, 'admin: {\n  token: "${file:key}"}'])
def test_a_file_that_cannot_be_used_is_named_and_its_content_is_not(
    tmp_path: Path, content: bytes | None, problem: str, text: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    (found,) = refused(tmp_path, text)
    assert f"the file key {problem}" in found
    assert found.startswith("gateway.yaml:")
    assert "canary" not in found


@pytest.mark.parametrize("text", [KEY_FILE, "models: {m: {template: {name: jinja, path: key}}}"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, text: str) -> None:
    os.mkfifo(tmp_path / "key")
    (found,) = refused(tmp_path, text)
    assert "cannot be read: Is a pipe" in found


def test_the_configuration_itself_may_come_through_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=["server: {port: 1}"])
    writer.start()
    settings = load(path, {})
    writer.join()
    assert settings.server.port == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [("", "is empty"), ("sk canary", "must be printable ASCII"), ("a\nb", "must be printable")],
)
def test_a_key_in_a_file_must_be_a_key(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "key").write_text(content)
    (found,) = refused(tmp_path, KEY_FILE)
    assert f"upstreams.openai.api_key_file: {problem}" in found
    assert "canary" not in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{api_key: k, api_key_file: key}", "openai: has an api_key and an api_key_file; remove"),
        ("{credential: none, api_key_file: key}", "credential: none never uses it"),
        ("{api_key_file: [key]}", "api_key_file: must be the path of a file"),
        ('{api_key_file: "a\\0b"}', "the file a?b cannot be read: bad path"),
    ],
)
def test_a_key_file_that_contradicts_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "key").write_text("sk-x")
    (found,) = refused(tmp_path, f"upstreams: {{openai: {text}}}")
    assert problem in found


def test_all_files_of_a_configuration_are_remembered_also_where_it_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text('secret: "${file:secret}"\nmodels: {a: {template: {path: t.jinja}}}')
    source = Source(path, {})
    with pytest.raises(ConfigError):
        source.begin()()
    assert source.files.as_read.keys() == {path, tmp_path / "secret", tmp_path / "t.jinja"}


def test_the_digest_follows_the_contents(tmp_path: Path) -> None:
    def digest(content: str) -> str:
        (tmp_path / "a").write_text(content)
        files = Files(tmp_path)
        assert files.value("a") == content
        return files.digest

    assert digest("1") == digest("1") != digest("2")
    assert Files().digest != digest("1")


def test_a_long_name_is_shortened() -> None:
    with pytest.raises(InvalidValue) as caught:
        Files().value("x" * 5000)
    assert len(str(caught.value)) < 300
