from pathlib import Path

import pytest

from gateway.config.reading.files import Files
from gateway.config.reading.section import read_for_section

SERVER = "server:\n  host: ::1\n\n# Above the model names.\n  port: 1\n"


@pytest.mark.parametrize(
    ("text", "server"),
    [
        (f"a: 1\n{SERVER}upstreams: [\n", {"host": "::1", "port": 1}),
        (f"upstreams: [\n{SERVER}", {"host": "::1", "port": 1}),
        ("server: {port: 1}\nupstreams: [", {"port": 1}),
        ("server: {port: 1}\rb: [\n", None),
        ("server: {port: *a}\nupstreams: [", None),
        ("servers: {port: 1}\nupstreams: [", None),
        ("{server: {port: 1}, b: [}", None),
    ],
)
def test_a_section_is_read_though_the_file_is_not_yaml(
    tmp_path: Path, text: str, server: object
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    document, problems = read_for_section(path, Files(), "server")
    assert document.data.get("server") == server
    assert len(problems) == 1
    if server and "a: 1" in text:
        assert document.lines[("server", "port")] == 6


def test_a_section_of_a_readable_file_and_of_none(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("server: {port: 1}\nb: 2\n")
    document, problems = read_for_section(path, Files(), "server")
    assert (document.data, problems) == ({"server": {"port": 1}, "b": 2}, [])
    document, problems = read_for_section(tmp_path / "none.yaml", Files(), "server")
    assert (document.data, len(problems)) == ({}, 1)
