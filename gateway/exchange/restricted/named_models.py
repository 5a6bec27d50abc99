"""Finds every model that a JSON body or a query names, as any server might read it.

This is for clients that may use certain models only. Servers differ in what they read: the first of
two equal keys or the last, `Model` for `model` (Go's encoding/json, ASP.NET), `fallbacks`
(LiteLLM), `models` (OpenRouter), a session's or a tool's `model` at any depth (OpenAI). So a body
that could be read differently is refused, and everything in it that may be a name is judged.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.body_pieces import PIECE_BYTES, free_in_pieces
from gateway.exchange.bodies.request_fields import checked_model, read_object
from gateway.exchange.bodies.unreadable_body import unreadable

Place = tuple[str, ...]
"""The path of a value in a body: `("session", "model")`; lists add nothing to it."""

Judge = Callable[[str, Place], None]
"""Raises `PermissionDenied` for a model that must not be asked for, with the place of its name."""

MODEL: Place = ("model",)

_NAMING = re.compile(r"(?:model|models|fallback|fallbacks|modelids?|modelnames?|deploymentname)\Z")
_NAMING_AT_THE_TOP = frozenset(
    {
        *("modellist", "modelslug"),  # LiteLLM, routers
        *("engine", "engineid", "deployment", "deploymentid"),  # openai-python 0.28, Azure
        "preset",  # OpenRouter: a stored choice of models
        *("lorapath", "adapterid", "adapter", "adapters"),  # SGLang, TGI, mlx-lm: which fine-tune
    }
)
_CONTENT = frozenset(
    {
        *("metadata", "arguments", "variables", "logitbias"),
        # JSON Schema: the words of tools' parameters and of structured output.
        *("properties", "patternproperties", "defs", "definitions"),
        *("examples", "default", "const", "enum"),
    }
)
"""Keys whose values are about the client's subject, and never tell a server what to do."""

_SEPARATORS = re.compile(r"[\[\].]+")


class _Object(tuple[tuple[str, Any], ...]):
    """A JSON object with all its pairs, in order: equal keys stay apart."""

    __slots__ = ()


_Holder = list[Any] | _Object
_HOLDERS = (list, _Object)
"""Values that may have names in them; a body can have millions of others."""


@dataclass(slots=True)
class Reading:
    """The names found in a request; `judge` is asked about each as soon as it is found."""

    judge: Judge
    names: dict[Place, str] = field(default_factory=dict)
    types: dict[Place, str] = field(default_factory=dict)
    """The texts called `type`, by place."""

    def json(self, body: bytes, below: Place = ()) -> None:
        """Read a body, or a form's field called `below`.

        Raises `InvalidRequest` for anything but a JSON object without equal keys, and
        `PermissionDenied` for a name that must not be asked for.
        """
        read = [read_object(body)]
        try:
            decoded = _decode(body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise unreadable(error, body) from None
        read.append(decoded)
        try:
            self._walk(below, decoded)
        finally:
            del decoded
            if len(body) >= PIECE_BYTES:
                free_in_pieces(read)

    def query(self, query: bytes) -> None:
        """Read a query, or a form's fields that are sent like one."""
        for pair in re.split(r"[&;]", query.decode("utf-8", "replace")):
            name, _, value = pair.partition("=")
            self.read_parameter(unquote_plus(name), unquote_plus(value))

    def read_parameter(self, name: str, value: str) -> None:
        """Read a parameter (`model`, `session[model]`) with its value."""
        place = place_of(name)
        if any(is_naming(part, top=_is_top(place[:depth])) for depth, part in enumerate(place)):
            self._take(place, value)

    def _walk(self, place: Place, root: _Holder) -> None:
        waiting: list[tuple[Place, _Holder]] = [(place, root)]
        while waiting:
            place, value = waiting.pop()
            if isinstance(value, _Object):
                waiting += self._pairs(place, value)
            else:
                waiting += [(place, each) for each in value if isinstance(each, _HOLDERS)]

    def _pairs(self, place: Place, pairs: _Object) -> Iterator[tuple[Place, _Holder]]:
        """Take the names in one object; yield the values that have to be looked into."""
        _refuse_equal_keys(place, pairs)
        top = _is_top(place)
        for key, value in pairs:
            name = normalized(key)
            if name in _CONTENT:
                continue
            if name == "type" and isinstance(value, str):
                self.types[*place, key] = value
            if not _is_naming(name, top=top):
                if isinstance(value, _HOLDERS):
                    yield (*place, key), value
            elif not place and name == "model":
                self._model(key, value)
            else:
                yield from self._named_values((*place, key), value, keys=name != "model")

    def _model(self, key: str, value: object) -> None:
        if key != "model":
            raise misspelt(key)
        if value is not None and not isinstance(value, str):
            raise InvalidRequest(
                "'model' must be one name, a non-empty string.", param="model", code="invalid_type"
            )
        self._take(MODEL, value or "")

    def _named_values(
        self, place: Place, value: object, *, keys: bool
    ) -> Iterator[tuple[Place, _Holder]]:
        """Take every text in a value as a name; yield the objects that say themselves which are.

        `keys`: those of an object are names as well (LiteLLM's `{"a": ["b"]}`).
        """
        waiting = [value]  # no recursion: the nesting is the client's
        while waiting:
            each = waiting.pop()
            if isinstance(each, str):
                self._take(place, each)
            elif isinstance(each, list):
                waiting += reversed(each)
            elif isinstance(each, _Object) and any(is_naming(key) for key, _ in each):
                yield place, each
            elif isinstance(each, _Object):
                _refuse_equal_keys(place, each)
                for key, _ in each if keys else ():
                    self._take(place, key)
                waiting += [deeper for _, deeper in reversed(each)]

    def _take(self, place: Place, text: str) -> None:
        """Judge a text that names a model, or several with commas between (LiteLLM)."""
        if not text:
            return
        self.names[place] = text
        for name in dict.fromkeys((text, text.strip(), *map(str.strip, text.split(",")))):
            if name:
                self.judge(checked_model(name), place)


def normalized(key: str) -> str:
    """Return a key as the most lenient reader might take it: without case, width and marks."""
    return _known(key) if len(key) <= _LONGEST_KNOWN else _normalized(key)


def _normalized(key: str) -> str:
    text = unicodedata.normalize("NFKC", key.partition("\0")[0]).casefold()
    return "".join(filter(str.isalnum, text))


# Most requests have the same few keys, each of them many times.
_known = lru_cache(maxsize=4096)(_normalized)
_LONGEST_KNOWN = 64
"""The length of the longest key that is remembered: memory stays bounded."""


def _is_top(place: Place) -> bool:
    """Whether a place has a request's own parameters; for LiteLLM, `extra_body` has such, too."""
    return all(normalized(part) == "extrabody" for part in place)


def is_naming(key: str, *, top: bool = False) -> bool:
    """Whether a key's value names models. `top`: it is a parameter of the request itself.

    Anything that ends in `model` counts: `embedding_model`, `judge_model`.
    """
    return _is_naming(normalized(key), top=top)


def _is_naming(name: str, *, top: bool) -> bool:
    if _NAMING.search(name) is not None:
        return True
    return top and name in _NAMING_AT_THE_TOP


def place_of(name: str) -> Place:
    """Return the place that a form's or query's parameter means: `session[model]`, `models[0]`."""
    return tuple(
        part for part in _SEPARATORS.split(name.partition("\0")[0]) if part and not part.isdigit()
    )


def misspelt(key: str, meant: str = "model") -> InvalidRequest:
    """Return the error for a key that some servers take for `meant` and others do not."""
    return InvalidRequest(
        f"Your key is for certain models only, and {key[:100]!r} can be read as '{meant}' in more "
        f"than one way. Write '{meant}', exactly so and once.",
        param=meant,
        code="invalid_value",
    )


def _refuse_equal_keys(place: Place, pairs: _Object) -> None:
    """Raise where keys are the same but for their case: servers disagree which of them counts."""
    folded = [key.casefold() for key, _ in pairs]
    if len(set(folded)) == len(folded):
        return
    first: dict[str, int] = {}
    again = next(k for k, key in enumerate(folded) if first.setdefault(key, k) != k)
    path = ".".join((*place, pairs[again][0]))[:200]
    raise InvalidRequest(
        f"Your key is for certain models only, and the body has {path!r} twice: servers "
        "disagree which of them counts. Send it once.",
        param=path,
        code="duplicate_parameter",
    )


def _no_number(_: str) -> int:
    return 0  # never a name, and a long one would take long to read


def _pairs_of(pairs: list[tuple[str, Any]]) -> _Object:
    """Return an object. This is a function because, unlike a type, it lets other threads run."""
    return _Object(pairs)


_decode = json.JSONDecoder(
    object_pairs_hook=_pairs_of,
    parse_int=_no_number,
    parse_float=_no_number,
).decode
