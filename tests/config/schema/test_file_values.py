"""Values that name files."""

from pathlib import Path

import pytest

from tests.config.configuring import check_refusal, loaded, refused


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "responses: {store: mongo://x}",
            "responses.store: is not a valid store; memory://, sqlite:///path/to/file.sqlite or",
        ),
        ("memory: {url: sqlite:///}", "memory.url: is not a valid memory; memory://, sqlite:"),
        (
            "memory: {url: sqlite:///none/such/file}",
            "folder that does not exist; make the folder first; an absolute path has four slashes",
        ),
        *(
            (
                f"{key}: 'sqlite:///:memory:'}}",
                "the memory of one process as SQLite does; write memory",
            )
            for key in ("memory: {url", "responses: {store")
        ),
        ("memory: {url: 'redis://'}", "memory.url: has no valid host"),
        (
            "memory: {url: 'redis://h/a'}",
            "memory.url: must end after host and port, or in a database's number; as in",
        ),
        (
            "responses: {store: sqlite:///none/such/file}",
            "responses.store: names a file in a folder that does not exist; make the folder first",
        ),
        (
            "upstreams: {openai: {verify: 3}}",
            "openai.verify: must be true, false or the path of a CA bundle\n",
        ),
        ("upstreams: {openai: {verify: none.pem}}", "openai.verify: must be true, false or the"),
        ("upstreams: {openai: {verify: ''}}", "openai.verify: must be true, false or the path"),
        ('upstreams: {openai: {verify: "a\\0"}}', "openai.verify: must be true, false or the path"),
        ("models: {a: {template: {path: x}}}", "that cannot be read: No such file or directory"),
        ("models: {a: {template: {path: x}}}", "path, which starts at the configuration's folder"),
        ("server: {tls: {certificate: x}}", "path, which starts at the configuration's folder"),
        ("upstreams: {openai: {api_key_file: x}}", "which starts at the configuration's folder"),
        ("models: {a: {template: {path: .}}}", "names a file that cannot be read: Is a directory"),
        ("models: {a: {template: {path: ~/x}}}", "directory; write the whole path: ~ does not"),
        ("server: {tls: {certificate: ~/x}}", "directory; write the whole path: ~ does not"),
        ("upstreams: {openai: {verify: ~/x}}", "no such file; write the whole path: ~ does not"),
        ("upstreams: {openai: {api_key_file: ~/x}}", "directory; write the whole path: ~ does"),
        ("upstreams: {openai: {api_key: '${file:~/x}'}}", "directory; write the whole path: ~"),
        (
            "upstreams: {openai: {api_key_file: ''}}",
            "the file '' cannot be read: its path is empty; write one, or remove the key\n",
        ),
        (
            "server: {tls: {certificate: ''}}",
            "names a file that cannot be read: its path is empty; write one, or remove the key\n",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_key_and_advice(
    tmp_path: Path, text: str, problem: str
) -> None:
    check_refusal(tmp_path, text, problem)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"\xff", "is not UTF-8"), (b"x" * (1024 * 1024 + 1), "larger than 1048576 bytes")],
)
def test_a_template_file_is_text_of_bounded_size(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "t.jinja").write_bytes(content)
    assert problem in "\n".join(refused(tmp_path, "models: {a: {template: {path: t.jinja}}}"))


def test_a_bundle_has_certificates(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----")
    text = "server: {port: -1}\nupstreams: {openai: {verify: key.pem}}"
    _, problem = refused(tmp_path, text)
    assert problem.startswith(
        "gateway.yaml:2: upstreams.openai.verify: names a file without a certificate in PEM form"
    )


@pytest.mark.parametrize(
    ("written", "used"), [("false", False), ("'False'", False), ("true", True)]
)
def test_verification_is_on_or_off_however_it_is_written(
    tmp_path: Path, written: str, used: bool
) -> None:
    text = f"upstreams: {{openai: {{verify: {written}}}}}"
    assert loaded(tmp_path, text).upstreams[0].verify is used


def test_a_store_is_in_memory_or_a_file_in_a_folder_that_exists(tmp_path: Path) -> None:
    assert loaded(tmp_path, "responses: {store: 'memory://'}").responses.store == "memory://"
    settings = loaded(tmp_path, "responses: {store: 'sqlite:///kept.sqlite'}")
    assert settings.responses.store == f"sqlite:///{tmp_path}/kept.sqlite"
