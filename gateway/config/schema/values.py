"""Numbers, names, choices and patterns: the types of single values, each with its checks.

A check raises `InvalidValue`, whose message never contains the value.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from gateway import servers
from gateway.config.checks.problems import InvalidValue
from gateway.config.checks.suggest import did_you_mean
from gateway.config.schema.base import context_of, one_as_list
from gateway.shapes import Shape

MAX_PROCESSES = 256
"""Each worker takes one processor core; no machine has many more."""

MAX_CALLS = 10_000
"""Calls for one request: OpenAI takes 2048 prompts in one; each call is held until all are done."""

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_NAMELESS = frozenset({"none", "unknown"})
_EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_UPSTREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


def _not_a_bool(value: Any) -> Any:
    # True is an int in Python: without this, `port: true` would be port 1.
    if isinstance(value, bool):
        raise InvalidValue("must be a number, not true or false")
    return value


def _flag(value: Any) -> Any:
    """Return true and false; as text, they come from `${VAR}` and the environment."""
    known = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(known, bool):
        raise InvalidValue("must be true or false")
    return known


def _clean_text(text: str) -> str:
    if not text.isprintable() or text != text.strip() or not text:
        raise InvalidValue("must be text without control characters or spaces around it")
    return text


def _upstream_name(text: str) -> str:
    if not _UPSTREAM_NAME.match(text):
        raise InvalidValue(
            "is not a valid upstream name", "use up to 64 letters, digits, '.', '_' and '-'"
        )
    return _distinguishable(text)


def _distinguishable(name: str) -> str:
    """Return a name unless metrics and log use the word for requests without one."""
    if name in _NAMELESS:
        raise InvalidValue("stands for requests without one in metrics and log", "rename it")
    return name


def _kind(value: Any) -> str:
    kinds = servers.names()
    if not isinstance(value, str):
        raise InvalidValue(f"must be {', '.join(kinds[:-1])} or {kinds[-1]}")
    if value not in kinds:
        raise InvalidValue(
            "is not a kind of upstream", did_you_mean(value, kinds) or f"one of {', '.join(kinds)}"
        )
    return value


def _shape(value: Any) -> Any:
    if isinstance(value, str) and value not in {*Shape}:
        word = value.strip("/").removeprefix("v1/")
        advice = did_you_mean(word, list(Shape)) or f"endpoints: {', '.join(Shape)}"
        raise InvalidValue("is not an endpoint", advice)
    return value


def _distinct_shapes(values: tuple[Shape, ...]) -> tuple[Shape, ...]:
    if not values:
        raise InvalidValue("must not be empty", "add an endpoint, or remove the key")
    if len(set(values)) != len(values):
        raise InvalidValue("names an endpoint twice", "remove one")
    return values


def _pattern(text: str) -> str:
    _clean_text(text)
    if "[" in text and "]" not in text.rpartition("[")[2]:
        raise InvalidValue("has a [ without its ]", "write [[] for a literal [")
    return text


def _key_sha256(text: str) -> str:
    if not _SHA256.match(text):
        raise InvalidValue(
            "must be 64 hexadecimal digits, the SHA-256 of the client's key",
            'gateway key new prints one, as does printf %s "$KEY" | sha256sum',
        )
    if text.lower() == _EMPTY_SHA256:
        raise InvalidValue(
            "is the SHA-256 of an empty key", "was the variable set when it was computed?"
        )
    return text.lower()


def _distinct_digests(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise InvalidValue("must not be empty", "add the SHA-256 of a key, or remove the client")
    if len(set(values)) != len(values):
        raise InvalidValue("names a key twice", "remove one")
    return values


def _known_upstream(name: str, info: ValidationInfo) -> str:
    known = context_of(info).upstreams
    if known is not None and name not in known:
        advice = did_you_mean(name, known) or f"upstreams: {', '.join(sorted(known))}"
        raise InvalidValue("is not a configured upstream", advice)
    return name


Flag = Annotated[bool, BeforeValidator(_flag)]
Port = Annotated[int, Field(ge=0, le=65535), BeforeValidator(_not_a_bool)]
"""0 lets the system choose a free one."""
Count = Annotated[int, Field(ge=1, le=1_000_000_000), BeforeValidator(_not_a_bool)]
Processes = Annotated[int, Field(ge=1, le=MAX_PROCESSES), BeforeValidator(_not_a_bool)]
Calls = Annotated[int, Field(ge=1, le=MAX_CALLS), BeforeValidator(_not_a_bool)]
CountOrZero = Annotated[int, Field(ge=0, le=1_000_000_000), BeforeValidator(_not_a_bool)]
Bytes = Annotated[int, Field(ge=1, le=1 << 50), BeforeValidator(_not_a_bool)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000), BeforeValidator(_not_a_bool)]
SecondsOrZero = Annotated[float, Field(ge=0, le=31_536_000), BeforeValidator(_not_a_bool)]
Ratio = Annotated[float, Field(ge=0, le=1), BeforeValidator(_not_a_bool)]
Name = Annotated[str, Field(min_length=1), AfterValidator(_clean_text)]
ClientName = Annotated[
    str, Field(min_length=1), AfterValidator(_clean_text), AfterValidator(_distinguishable)
]
UpstreamName = Annotated[str, AfterValidator(_upstream_name)]
UpstreamReference = Annotated[str, AfterValidator(_known_upstream)]
UpstreamKind = Annotated[
    str,
    BeforeValidator(_kind),
    Field(json_schema_extra=lambda schema: schema.update(enum=servers.names())),
]
Endpoint = Annotated[Shape, BeforeValidator(_shape)]
Endpoints = Annotated[
    tuple[Endpoint, ...],
    BeforeValidator(one_as_list),
    AfterValidator(_distinct_shapes),
]
Pattern = Annotated[str, AfterValidator(_pattern)]
KeySha256 = Annotated[str, AfterValidator(_key_sha256)]
KeyDigests = Annotated[
    tuple[KeySha256, ...],
    BeforeValidator(one_as_list),
    AfterValidator(_distinct_digests),
]
StopSequence = Annotated[str, Field(min_length=1)]
StopSequences = Annotated[tuple[StopSequence, ...], BeforeValidator(one_as_list)]
