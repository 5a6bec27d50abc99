"""Reads a YAML file into dicts, lists and scalars, and notes the line of every key.

The scalars follow the YAML 1.2 core schema rather than PyYAML's YAML 1.1, where the model name
`no` is a boolean, `12:30` a number and `2024-07-18` a date. Keys are always text, as written.
Anchors, aliases and `<<` merges work; tags other than YAML's own scalars are refused.
The file's size, its depth, and the number of values after aliases are limited.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gateway.config.checks.problems import ConfigError, KeyPath, Origin, Problem, show_path
from gateway.config.reading.files import Files
from gateway.config.reading.syntax_advice import syntax_advice

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 50_000

_TAG = "tag:yaml.org,2002:"
_QUOTED_WORD = re.compile(r"'[^'<>\s]{2,}'")


@dataclass(slots=True)
class Document:
    """A file's content, the line of each key, and problems that did not stop the reading."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_document(path: Path, files: Files) -> Document:
    """Read a configuration file, as one of `files`.

    Raises `ConfigError` if it is unreadable, or not one YAML mapping in UTF-8 within the limits.
    """
    return parse_document(str(path), read_content(path, files))


def parse_document(name: str, content: bytes) -> Document:
    """Parse a configuration file's bytes; problems refer to the file as `name`.

    Raises `ConfigError` as `read_document`.
    """
    if len(content) > MAX_BYTES:
        raise _fatal(name, None, f"is larger than {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _fatal(name, line, "is not UTF-8", "save the file in UTF-8") from None
    root = _compose(name, text)
    document = Document(name)
    if root is None:
        return document
    if not isinstance(root, yaml.MappingNode):
        line = root.start_mark.line + 1
        if root.tag == _TAG + "null":
            return document
        advice = "it starts with keys such as `upstreams:`"
        raise _fatal(name, line, "must be a mapping at the top level", advice)
    try:
        document.data = _Construction(document).mapping(root, ())
    except _Unreadable as error:
        raise _fatal(name, error.line, error.message) from None
    return document


def read_content(path: Path, files: Files) -> bytes:
    """Return a configuration file's bytes; raises `ConfigError` if it is unreadable."""
    try:
        return files.content(path, MAX_BYTES, once=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "bad path"
        raise _fatal(str(path), None, f"cannot be read: {reason}", "check the path") from None


def _fatal(name: str, line: int | None, message: str, advice: str = "") -> ConfigError:
    return ConfigError([Problem(Origin(name, line), "", message, advice)])


class _Unreadable(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with limits and the scalars of the core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as in the base class

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node. The depth is limited because PyYAML recurses."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            line = self.line + 1
            raise _Unreadable(line, f"is nested deeper than {MAX_DEPTH} levels")
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _name, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    ("int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z", list("-+0123456789")),
    (
        "float",
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)\Z",
        list("-+0123456789."),
    ),
    ("merge", r"<<\Z", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), _first)


def _compose(name: str, text: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except _Unreadable as error:
        raise _fatal(name, error.line, error.message) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _fatal(name, line, "has a control character", "remove it") from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(name, text, error) from None


def _syntax_error(name: str, text: str, error: yaml.MarkedYAMLError) -> ConfigError:
    what = ", ".join(part for part in (error.context, error.problem) if part)
    # PyYAML notices a missing colon in the next line only, and what is left open at the end of the
    # file; the context has the line where the key, or that, begins.
    begins = ("while scanning a simple key", "end of stream", "<stream end>")
    is_earlier = any(words in what for words in begins)
    mark = (error.context_mark if is_earlier else None) or error.problem_mark or error.context_mark
    # PyYAML quotes words, and in its snippet whole lines, of the file: either can be a secret.
    message = f"is not YAML: {_QUOTED_WORD.sub('…', what)}"
    line = mark.line if mark is not None else 0
    written = "".join(text.splitlines()[line : line + 1])
    return _fatal(name, line + 1, message, syntax_advice(what, written))


class _Construction:
    """Turns nodes into dicts, lists and scalars, within one budget of values."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = MAX_VALUES
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._spend(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, path)
        raise AssertionError(node)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        self._check_tag(node, path, "map")
        data: dict[str, Any] = {}
        self._enter(node)
        for key_node, value_node in self._pairs(node, path):
            inner = (*path, key_node.value)
            self._document.lines[inner] = key_node.start_mark.line + 1
            data[key_node.value] = self.value(value_node, inner)
        self._leave(node)
        return data

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[Any]:
        self._check_tag(node, path, "seq")
        items: list[Any] = []
        self._enter(node)
        for index, item in enumerate(node.value):
            inner = (*path, index)
            self._document.lines[inner] = item.start_mark.line + 1
            items.append(self.value(item, inner))
        self._leave(node)
        return items

    def _pairs(
        self, node: yaml.MappingNode, path: KeyPath
    ) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """Return pairs with unique keys: the mapping's own first, then those merged into it."""
        own: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        merged: list[tuple[yaml.ScalarNode, yaml.Node]] = []
        for key, value in node.value:
            self._spend(key)
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._note(line, path, "a key must be text", "a { or [ begins a value: quote it")
            elif key.tag == _TAG + "merge":
                merged += self._merged(value, path)
            elif key.value in own:
                first = own[key.value][0].start_mark.line + 1
                message = f"is written twice, first in line {first}"
                self._note(line, (*path, key.value), message, "remove one")
            else:
                own[key.value] = (key, value)
        for key, value in merged:
            own.setdefault(key.value, (key, value))
        return list(own.values())

    def _merged(self, node: yaml.Node, path: KeyPath) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        pairs: list[tuple[yaml.ScalarNode, yaml.Node]] = []
        for source in sources:
            if isinstance(source, yaml.MappingNode):
                self._enter(source)
                pairs += self._pairs(source, path)
                self._leave(source)
            else:
                line = source.start_mark.line + 1
                self._note(line, path, "<< must be followed by an alias of a mapping")
        return pairs

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        try:
            if kind in {"str", "merge"}:
                return text
            if kind == "null":
                return None
            if kind == "bool":
                return {"true": True, "false": False}[text.lower()]
            if kind == "int":
                return int(text, 0 if text[:2] in {"0o", "0x"} else 10)
            if kind == "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except (KeyError, ValueError):
            return text
        self._refuse_tag(node, path)
        return text

    def _check_tag(self, node: yaml.Node, path: KeyPath, expected: str) -> None:
        if node.tag != _TAG + expected:
            self._refuse_tag(node, path)

    def _refuse_tag(self, node: yaml.Node, path: KeyPath) -> None:
        line = node.start_mark.line + 1
        advice = "remove it, or quote a value that begins with !"
        self._note(line, path, "has a YAML tag (!…), which is not supported", advice)

    def _note(self, line: int, path: KeyPath, message: str, advice: str = "") -> None:
        origin = Origin(self._document.name, line)
        self._document.problems.append(Problem(origin, show_path(path), message, advice))

    def _spend(self, node: yaml.Node) -> None:
        self._left -= 1
        if self._left < 0:
            line = node.start_mark.line + 1
            raise _Unreadable(line, f"holds more than {MAX_VALUES} values, aliases included")

    def _enter(self, node: yaml.Node) -> None:
        if id(node) in self._open:
            raise _Unreadable(node.start_mark.line + 1, "has an alias inside of its own anchor")
        self._open.add(id(node))

    def _leave(self, node: yaml.Node) -> None:
        self._open.discard(id(node))
