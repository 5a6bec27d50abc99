import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.checks.problems import ConfigError
from gateway.config.reading.document import (
    MAX_BYTES,
    MAX_VALUES,
    Document,
    parse_document,
    read_document,
)
from gateway.config.reading.files import Files


def parsed(text: str) -> Document:
    return parse_document("c.yaml", text.encode())


def fatal(content: bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_document("c.yaml", content)
    (problem,) = caught.value.problems
    assert caught.value.__cause__ is None
    return str(problem)


def noted(text: str) -> list[str]:
    return [str(problem) for problem in parsed(text).problems]


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n", "null\n", "~", "---\n...\n", "\ufeff"]
)
def test_an_empty_file_is_an_empty_mapping(text: str) -> None:
    assert parsed(text).data == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-0", 0),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2024-07-18", "2024-07-18"),
        ("1_000", "1_000"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!int x", "x"),
        ("!!bool x", "x"),
        ("<<", "<<"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: Any) -> None:
    document = parsed(f"a: {text}")
    assert document.data == {"a": value}
    assert type(document.data["a"]) is type(value)
    assert document.problems == []


def test_nan_is_a_number() -> None:
    assert math.isnan(parsed("a: .nan").data["a"])


def test_keys_are_text_as_written() -> None:
    assert parsed("{no: 1, 12: 2, 1.50: 3, null: 4, 2024-07-18: 5}").data == {
        "no": 1,
        "12": 2,
        "1.50": 3,
        "null": 4,
        "2024-07-18": 5,
    }


def test_every_key_and_entry_has_its_line() -> None:
    document = parsed("a: 1\nb:\n  c:\n    - x\n    - {d: 2}\n")
    assert document.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", 0): 4,
        ("b", "c", 1): 5,
        ("b", "c", 1, "d"): 5,
    }


def test_duplicate_keys_are_noted_everywhere_and_the_first_counts() -> None:
    document = parsed("a: 1\nb: {c: 1, c: 2}\na: 2\n")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [str(problem) for problem in document.problems] == [
        "c.yaml:3: a: is written twice, first in line 1; remove one",
        "c.yaml:2: b.c: is written twice, first in line 2; remove one",
    ]


def test_a_key_that_is_not_text_is_noted() -> None:
    assert noted("{[1]: 2}")[0].startswith("c.yaml:1: a key must be text")


def test_anchors_aliases_and_merges_work() -> None:
    document = parsed(
        "base: &b {x: 1, y: 2}\nother: &o {z: 3, x: 9}\n"
        "one: {<<: *b, y: 5}\nmany:\n  <<: [*b, *o]\ncopy: *b\n"
    )
    assert document.data["one"] == {"y": 5, "x": 1}
    assert document.data["many"] == {"x": 1, "y": 2, "z": 3}
    assert document.data["copy"] == {"x": 1, "y": 2}
    assert document.lines["many", "z"] == 2
    assert document.problems == []


def test_a_merge_of_anything_but_a_mapping_is_noted() -> None:
    assert "<< must be followed by an alias of a mapping" in noted("a: {<<: 3}")[0]
    assert "<< must be followed by an alias of a mapping" in noted("a: {<<: [3]}")[0]


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object:os.system x",
        "a: !custom x",
        "a: !custom {b: 1}",
        "a: !!set {b: null}",
        "a: !custom [b]",
        "a: !!binary aGk=",
        "a: !!timestamp 2024-01-01",
    ],
)
def test_tags_are_refused(text: str) -> None:
    (problem,) = noted(text)
    assert problem.startswith("c.yaml:1: a: has a YAML tag (!…), which is not supported; remove it")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: \xff\n", "c.yaml:2: is not UTF-8"),
        (b"a: 1\nb: \x01\n", "c.yaml:2: has a control character"),
        (b"- a\n", "c.yaml:1: must be a mapping at the top level"),
        (b"\n\njust text\n", "c.yaml:3: must be a mapping at the top level"),
        (b"a: 1\n---\nb: 2\n", "c.yaml:2: is not YAML: expected a single document"),
        (b"a: [1\nb: 2\n", "c.yaml:2: is not YAML: while parsing a flow sequence"),
        (b"a:\n\tb: 1\n", "c.yaml:2: is not YAML: while scanning for the next token"),
        (b"x: 1\nserver\ny: 2\n", "c.yaml:2: is not YAML: while scanning a simple key"),
        (b"a: {b: ${X}}\n", "c.yaml:1: is not YAML: while parsing a flow mapping"),
        (b"a: 1\rb: 2\rc: [", "c.yaml:3: is not YAML: while parsing a flow node"),
        (b"a: *nothing\n", "c.yaml:1: is not YAML: found undefined alias"),
        (b"a: &x [*x]\n", "c.yaml:1: has an alias inside of its own anchor"),
        (b"a: &x {<<: *x}\n", "c.yaml:1: has an alias inside of its own anchor"),
        (b"a: " + b"[" * 40 + b"]" * 40, "c.yaml:1: is nested deeper than 32 levels"),
        (b"a: 1 #" + b"x" * MAX_BYTES, f"c.yaml: is larger than {MAX_BYTES} bytes"),
    ],
)
def test_what_cannot_be_read_is_one_problem_with_its_line(content: bytes, message: str) -> None:
    assert fatal(content).startswith(message)


def test_a_syntax_error_comes_with_what_usually_helps() -> None:
    assert 'write "${VAR}" in quotes' in fatal(b"a: {b: ${X}}\n")
    assert "quote a value that begins with * or &" in fatal(b"a: [*]\n")
    assert "check the indentation" in fatal(b"a:\n  b: 1\n c: 2\n")
    for tab in (b"a:\n\tb: 1\n", b"a:\n  - b\n\t- c\n", b"a:\t&x b\nc:\n\td: 1\n"):
        assert "write spaces instead of tabs" in fatal(tab)


@pytest.mark.parametrize(
    "text",
    [
        "api_key: *sk-canary-0123",
        "api_key: !sk-canary-0123!x y",
        "api_key: 'sk-canary-0123",
        "api_key: [sk-canary-0123",
        "api_key: @sk-canary-0123",
        "api_key: %sk-canary-0123",
        "api_key: sk-canary-0123: x",
        "a: &sk-canary-0123 1\nb: &sk-canary-0123 2\nc: [",
    ],
)
def test_a_syntax_error_never_shows_what_is_written(text: str) -> None:
    try:
        problems = "".join(map(str, parsed(text).problems))
    except ConfigError as error:
        problems = str(error)
    assert problems
    assert "canary" not in problems


def bomb(levels: int, line: str) -> str:
    lines = ["a0: &a0 {k0: x}"]
    lines += [line.format(n=n, p=n - 1) for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "line",
    [
        "a{n}: &a{n} [*a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}]",
        "a{n}: &a{n} {{<<: [*a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}], k{n}: 1}}",
    ],
)
def test_a_bomb_of_aliases_is_refused(line: str) -> None:
    message = f"holds more than {MAX_VALUES} values, aliases included"
    assert message in fatal(bomb(12, line).encode())


def test_a_missing_file_and_a_folder_are_problems(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "none.yaml", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (Path("a\0b"), "bad path"),
    ):
        with pytest.raises(ConfigError, match=f"cannot be read: {reason}"):
            read_document(path, Files())


def test_a_file_is_read_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: é\n", "utf-8")
    assert read_document(path, Files()).data == {"a": "é"}
    assert read_document(path, Files()).name == str(path)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), PLAIN, max_size=4))
def test_what_is_dumped_is_read_back(data: dict[str, Any]) -> None:
    # Everything quoted: the dumper's idea of unquoted text is YAML 1.1's.
    text = yaml.safe_dump(data, default_style='"', allow_unicode=False)
    try:
        document = parsed(text)
    except ConfigError:
        # A lone surrogate or a control character has no place in YAML.
        return
    assert document.problems == []
    assert document.data == data


@given(
    st.binary(max_size=60)
    | st.text(alphabet="ab:-{}[]&*!|>#\"'\n\r\x85\u2028 ,<?%@\t", max_size=60).map(str.encode)
)
def test_any_bytes_are_a_document_or_a_config_error(content: bytes) -> None:
    try:
        document = parse_document("c.yaml", content)
    except ConfigError:
        return
    assert isinstance(document.data, dict)
