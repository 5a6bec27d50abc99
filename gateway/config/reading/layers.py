"""Merges the layers of a configuration: file, environment, command line. The later win.

A mapping is merged into the mapping below it, key by key, in the order of the lower one; anything
else replaces it. The origin of every value is kept.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from gateway.config.checks.problems import (
    InvalidValue,
    KeyPath,
    Origin,
    Problem,
    show_key,
    show_path,
)
from gateway.config.checks.suggest import did_you_mean
from gateway.config.reading.document import Document
from gateway.config.reading.expand import expand
from gateway.config.reading.files import Files
from gateway.config.reading.variables import PREFIX, SEPARATOR, origin_of, own_variables


@dataclass(slots=True)
class Layers:
    """The merged data, and where each part of it was written."""

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, Origin] = field(default_factory=dict)

    def put(self, path: KeyPath, value: Any, origin: Origin) -> None:
        """Merge a value over what is at `path`, making the mappings that lead there."""
        here = self.data
        for depth, part in enumerate(path[:-1], start=1):
            if not isinstance(here.get(str(part)), dict):
                self._write(path[:depth], here.get(str(part)), origin)
                here[str(part)] = {}
            here = here[str(part)]
        last = str(path[-1])
        if isinstance(value, Mapping):
            if not isinstance(here.get(last), dict):
                self._write(path, here.get(last), origin)
                here[last] = {}
            for key, item in value.items():
                self.put((*path, str(key)), item, origin)
        else:
            self._write(path, here.get(last), origin)
            here[last] = value

    def _write(self, path: KeyPath, replaced: Any, origin: Origin) -> None:
        self._forget(path, replaced)
        self.origins[path] = origin

    def _forget(self, path: KeyPath, value: Any) -> None:
        """Drop the origins of the parts of a value."""
        for part, inner in _parts(value):
            self.origins.pop((*path, part), None)
            self._forget((*path, part), inner)

    def origin(self, path: KeyPath) -> Origin:
        """Return where the value at `path`, or else the closest mapping around it, was written."""
        for length in range(len(path), -1, -1):
            found = self.origins.get(path[:length])
            if found is not None:
                return found
        return Origin("configuration")

    def problem(self, path: KeyPath, message: str, advice: str = "") -> Problem:
        """Return a problem with the value at `path`."""
        return Problem(self.origin(path), show_path(path), message, advice)


def _parts(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def merge_document(
    layers: Layers, document: Document, environ: Mapping[str, str], files: Files
) -> Iterator[tuple[KeyPath, Problem]]:
    """Make a file the lowest layer, its references expanded; yield problems of references."""
    layers.origins[()] = Origin(document.name)
    for path, line in document.lines.items():
        layers.origins[path] = Origin(document.name, line)
    invalid: list[tuple[KeyPath, InvalidValue]] = []
    layers.data = _expanded(
        document.data, (), partial(expand, environ=environ, value_in=files.value), invalid
    )
    for path, fault in invalid:
        yield path, layers.problem(path, fault.message, fault.advice)


def _expanded(
    value: Any,
    path: KeyPath,
    replace: Callable[[str], str],
    invalid: list[tuple[KeyPath, InvalidValue]],
) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(v, (*path, key), replace, invalid) for key, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, (*path, i), replace, invalid) for i, v in enumerate(value)]
    if isinstance(value, str):
        try:
            return replace(value)
        except InvalidValue as fault:
            invalid.append((path, fault))
    return value


def merge_environment(
    layers: Layers, environ: Mapping[str, str], sections: Iterable[str]
) -> Iterator[Problem]:
    """Merge `GATEWAY_SECTION__KEY=value` over what is there; yields invalid names.

    A variable counts when its first part is one of the `sections`. Others are left alone, unless
    they have the double underscore, and so are misspelt. An empty variable counts as unset.
    """
    known, spellings = frozenset(sections), _Spellings()
    for name in own_variables(environ):
        if not environ[name]:
            continue
        parts = name.removeprefix(PREFIX).split(SEPARATOR)
        origin = origin_of(name)
        section = parts[0].lower()
        if section not in known:
            if len(parts) > 1:
                advice = did_you_mean(section, known) or f"sections: {', '.join(sorted(known))}"
                yield Problem(origin, "", "is not a section of the configuration", advice)
        elif "" in parts:
            yield Problem(origin, "", "has an empty part", "two underscores separate two keys")
        else:
            layers.put(spellings.path(layers.data, parts), _value(environ[name]), origin)


class _Spellings:
    """Finds keys as they are spelt in the data, by the parts of variables' names.

    Mappings are indexed once. They only gain keys, always at the end.
    """

    def __init__(self) -> None:
        self._indexes: dict[int, tuple[dict[str, Any], dict[str, str]]] = {}
        """The index of each mapping, by its identity; the mapping is kept in it, so that no other
        one can get the same identity."""
        self._indexed: dict[int, int] = {}
        """How many keys of a mapping are in its index."""

    def path(self, data: dict[str, Any], parts: list[str]) -> KeyPath:
        """Return the key path of a variable's parts: spelt as in the data, else in lower case."""
        path: list[str] = []
        here: Any = data
        for part in parts:
            written = self._written(here) if isinstance(here, dict) else {}
            path.append(written.get(_normalised(part), part.lower()))
            here = here.get(path[-1]) if isinstance(here, dict) else None
        return tuple(path)

    def _written(self, mapping: dict[str, Any]) -> dict[str, str]:
        _, index = self._indexes.setdefault(id(mapping), (mapping, {}))
        added = len(mapping) - self._indexed.get(id(mapping), 0)
        for key in reversed(list(islice(reversed(mapping), added))):
            index.setdefault(_normalised(key), key)
        self._indexed[id(mapping)] = len(mapping)
        return index


def _normalised(key: str) -> str:
    return key.lower().replace("-", "_").replace(".", "_")


def _value(text: str) -> Any:
    """Return a variable's value: JSON for lists, mappings, quoted text and null, else the text.

    Invalid JSON stays text; the schema then refuses it where a list is expected.
    """
    stripped = text.strip()
    if stripped[:1] in {"{", "[", '"'} or stripped == "null":
        try:
            return json.loads(stripped)
        except (ValueError, RecursionError):
            return text
    return text


def merge_overrides(layers: Layers, overrides: Mapping[str, Any]) -> list[Problem]:
    """Merge the command line's values over all others; return what cannot be.

    Keys are dotted (`server.port`), mappings are merged, and None means not given. The key
    `upstream` selects the default upstream: the name or a base URL of a configured one, which is
    moved to the front, or else the base URL of a new one, called `command-line`.
    """
    origin = Origin("command line")
    problems: list[Problem] = []
    for key, value in overrides.items():
        if value is None:
            continue
        if key == "upstream":
            problems += _choose_default(layers, str(value), origin)
        else:
            layers.put(tuple(key.split(".")), value, origin)
    return problems


def _choose_default(layers: Layers, wanted: str, origin: Origin) -> Iterator[Problem]:
    configured = layers.data.get("upstreams", {"openai": {}})
    upstreams: dict[str, Any] = configured if isinstance(configured, dict) else {}
    name = wanted if wanted in upstreams else None
    for candidate, upstream in upstreams.items():
        written = upstream.get("base_url") if isinstance(upstream, dict) else None
        urls = written if isinstance(written, list) else [written]
        if name is None and wanted.rstrip("/") in [str(url).rstrip("/") for url in urls]:
            name = candidate
    if name is None and "://" not in wanted:
        names = ", ".join(map(show_key, upstreams)) or "none"
        advice = did_you_mean(wanted, upstreams) or f"configured: {names}"
        message = "is neither a base URL (http://…) nor a configured upstream"
        yield Problem(origin, "upstream", message, advice)
        return
    if name is None:
        name = "command-line"
        layers.put(("upstreams", name), {"base_url": wanted}, origin)
        upstreams = layers.data["upstreams"]
    layers.data["upstreams"] = {name: upstreams[name], **upstreams}
