"""The types of single values in a configuration as written, with the checks that belong to each.

A check raises `Fault`; its message never holds the value. Checks that look beyond the value find
what they need in the validation context, `Surroundings`.
"""

import os.path
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

from gateway import servers
from gateway.config.addresses import checked_base_url, checked_proxy_url, is_listening_host
from gateway.config.problems import Fault
from gateway.config.suggest import did_you_mean
from gateway.shapes import Shape

MAX_FILE_BYTES = 1024 * 1024
"""Limit of a template file."""

MAX_PROCESSES = 256
"""Each worker takes one processor core; no machine has many more."""

MAX_CALLS = 10_000
"""Calls for one request: OpenAI takes 2048 prompts in one; each call is held until all are done."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")
_KEY = re.compile(r"[\x21-\x7e]+\Z")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_AZURE_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?:-preview)?\Z", re.ASCII)
_UPSTREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")

_FRAMING_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NEVER_FORWARDED = frozenset({"authorization", "api-key", "cookie", "forwarded"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a check may need to know beside the value itself."""

    folder: Path
    """Relative paths start here: the configuration file's folder, or the current one."""
    upstreams: frozenset[str] | None
    """The names of the configured upstreams; None when they cannot be told."""


def surroundings(info: ValidationInfo) -> Surroundings:
    """Return what the caller of the validation gave as its context."""
    context = info.context
    if not isinstance(context, Surroundings):
        raise TypeError("validate with context=Surroundings(…)")
    return context


def _not_a_bool(value: Any) -> Any:
    # Python counts True as 1, so `port: true` would otherwise be port 1.
    if isinstance(value, bool):
        raise Fault("must be a number, not true or false")
    return value


def _one_as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _plain_text(text: str) -> str:
    if not text.isprintable() or text != text.strip() or not text:
        raise Fault("must be text without control characters or spaces around it")
    return text


def _listening_host(text: str) -> str:
    if not is_listening_host(text):
        raise Fault(
            "must be an IP address or a host name alone",
            "no scheme, port or brackets; 0.0.0.0 or :: for every interface",
        )
    return text


def _allowed_host(text: str) -> str:
    if not is_listening_host(text):
        raise Fault("must be a host name or IP address alone", "no scheme, port or brackets")
    return text.lower()


def _upstream_name(text: str) -> str:
    if not _UPSTREAM_NAME.match(text):
        raise Fault(
            "is not a valid upstream name", "use up to 64 letters, digits, '.', '_' and '-'"
        )
    return text


def _kind(value: Any) -> str:
    kinds = servers.names()
    if not isinstance(value, str):
        raise Fault(f"must be {', '.join(kinds[:-1])} or {kinds[-1]}")
    if value not in kinds:
        raise Fault("is not a kind of upstream", did_you_mean(value, kinds) or ", ".join(kinds))
    return value


def _shape(value: Any) -> Any:
    if isinstance(value, str) and value not in {*Shape}:
        advice = did_you_mean(value, list(Shape)) or f"endpoints: {', '.join(Shape)}"
        raise Fault("is not an endpoint", advice)
    return value


def _distinct_shapes(values: tuple[Shape, ...]) -> tuple[Shape, ...]:
    if not values:
        raise Fault("must not be empty", "add an endpoint, or remove the key")
    if len(set(values)) != len(values):
        raise Fault("names an endpoint twice", "remove one")
    return values


def _api_key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text:
        raise Fault("is empty", "set it, or leave the key out")
    if not _KEY.match(text):
        advice = "a line break at its end, perhaps from a file, is the usual cause"
        raise Fault("must be printable ASCII without spaces", advice)
    return secret


def _proxy(secret: SecretStr) -> SecretStr:
    return SecretStr(checked_proxy_url(secret.get_secret_value()))


def _header_name(text: str) -> str:
    name = text.lower()
    if not _HEADER_NAME.match(name):
        raise Fault("is not a valid header name", "letters, digits and '-'")
    if name in _FRAMING_HEADERS:
        raise Fault("is a header that the gateway sets by itself", "remove it")
    return name


def _distinct_headers(value: Any) -> Any:
    if isinstance(value, dict) and len({str(name).lower() for name in value}) != len(value):
        raise Fault("has a header twice, in different spellings", "remove one")
    return value


def _header_value(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not _HEADER_VALUE.match(text) or text != text.strip():
        raise Fault("must be one line of Latin-1 text without spaces around it")
    return secret


def _azure_version(text: str) -> str:
    if not _AZURE_VERSION.match(text):
        raise Fault(
            "is not a dated version of Azure's API",
            "write one like 2024-10-21 or 2025-04-01-preview; Azure's v1 API needs none: let "
            "base_url end in /openai/v1",
        )
    return text


def _forwarded_header(text: str) -> str:
    name = _header_name(text)
    if name in _NEVER_FORWARDED or name.startswith(("x-forwarded-", "x-gateway-")):
        raise Fault(
            "is a header that is never forwarded",
            "credential: decides whose key an upstream gets; headers: sets fixed fields",
        )
    return name


def _pattern(text: str) -> str:
    _plain_text(text)
    if "[" in text and "]" not in text.rpartition("[")[2]:
        raise Fault("has a [ without its ]", "write [[] for a literal [")
    return text


def _key_sha256(text: str) -> str:
    if not _SHA256.match(text):
        raise Fault(
            "must be 64 hexadecimal digits, the SHA-256 of the client's key",
            'printf %s "$KEY" | sha256sum',
        )
    if text.lower() == _EMPTY_SHA256:
        raise Fault("is the SHA-256 of an empty key", "was the variable set when it was computed?")
    return text.lower()


def _known_upstream(name: str, info: ValidationInfo) -> str:
    known = surroundings(info).upstreams
    if known is not None and name not in known:
        advice = did_you_mean(name, known) or f"upstreams: {', '.join(sorted(known))}"
        raise Fault("is not a configured upstream", advice)
    return name


def _memory_url(text: str) -> str:
    if text != "memory://":
        raise Fault("is not a valid memory", "memory:// (in the process) is the only one")
    return text


def _response_store(text: str, info: ValidationInfo) -> str:
    if text == "memory://":
        return text
    path = text.removeprefix("sqlite:///")
    if path == text or not path:
        raise Fault("is not a valid store", "memory:// or sqlite:///path/to/file.sqlite")
    place = surroundings(info).folder / path
    if not place.parent.is_dir():
        raise Fault("names a file in a folder that does not exist", "make the folder first")
    return f"sqlite:///{place}"


def _verify(value: Any, info: ValidationInfo) -> bool | str:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise Fault("must be true, false or the path of a CA bundle")
    if value.lower() in {"true", "false"}:
        return value.lower() == "true"
    path = str(surroundings(info).folder / value)
    # os.path: unlike Path.is_file, it takes a path that no file can have for a missing file.
    if not os.path.isfile(path):
        raise Fault("must be true, false or the path of a CA bundle", "there is no such file")
    return path


def read_template(path: Path) -> str:
    """Return a template file's text. Raises `Fault` when it cannot be had or is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise Fault(f"names a file larger than {MAX_FILE_BYTES} bytes")
        return content.decode("utf-8")
    except OSError as error:
        raise Fault(f"names a file that cannot be read: {error.strerror}", "check path") from None
    except UnicodeDecodeError:
        raise Fault("names a file that is not UTF-8", "save the file in UTF-8") from None


Port = Annotated[int, Field(ge=0, le=65535), BeforeValidator(_not_a_bool)]
"""0 lets the system choose a free one."""
Count = Annotated[int, Field(ge=1, le=1_000_000_000), BeforeValidator(_not_a_bool)]
Processes = Annotated[int, Field(ge=1, le=MAX_PROCESSES), BeforeValidator(_not_a_bool)]
Calls = Annotated[int, Field(ge=1, le=MAX_CALLS), BeforeValidator(_not_a_bool)]
CountOrZero = Annotated[int, Field(ge=0, le=1_000_000_000), BeforeValidator(_not_a_bool)]
Bytes = Annotated[int, Field(ge=1, le=1 << 50), BeforeValidator(_not_a_bool)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000), BeforeValidator(_not_a_bool)]
SecondsOrZero = Annotated[float, Field(ge=0, le=31_536_000), BeforeValidator(_not_a_bool)]
Name = Annotated[str, Field(min_length=1), AfterValidator(_plain_text)]
ListeningHost = Annotated[str, AfterValidator(_listening_host)]
AllowedHost = Annotated[str, AfterValidator(_allowed_host)]
UpstreamName = Annotated[str, AfterValidator(_upstream_name)]
UpstreamReference = Annotated[str, AfterValidator(_known_upstream)]
BaseUrl = Annotated[str, AfterValidator(checked_base_url)]
UpstreamKind = Annotated[
    str,
    BeforeValidator(_kind),
    Field(json_schema_extra=lambda schema: schema.update(enum=servers.names())),
]
Endpoint = Annotated[Shape, BeforeValidator(_shape)]
Endpoints = Annotated[
    tuple[Endpoint, ...],
    BeforeValidator(_one_as_list),
    AfterValidator(_distinct_shapes),
]
ApiKey = Annotated[SecretStr, AfterValidator(_api_key)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]
Headers = Annotated[dict[HeaderName, HeaderValue], BeforeValidator(_distinct_headers)]
ForwardedHeader = Annotated[str, AfterValidator(_forwarded_header)]
Pattern = Annotated[str, AfterValidator(_pattern)]
KeySha256 = Annotated[str, AfterValidator(_key_sha256)]
MemoryUrl = Annotated[str, AfterValidator(_memory_url)]
ResponseStoreUrl = Annotated[str, AfterValidator(_response_store)]
AzureVersion = Annotated[str, AfterValidator(_azure_version)]
Verify = Annotated[bool | str, BeforeValidator(_verify)]
StopSequence = Annotated[str, Field(min_length=1)]
StopSequences = Annotated[tuple[StopSequence, ...], BeforeValidator(_one_as_list)]
