"""Hosts, URLs, keys and header fields."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

from gateway.config.checks.addresses import (
    checked_base_url,
    checked_collector_url,
    checked_proxy_url,
    is_listening_host,
)
from gateway.config.checks.problems import InvalidValue
from gateway.config.schema.base import one_as_list
from gateway.headers import SET_BY_THE_GATEWAY, is_name, is_never_forwarded

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*\Z")
_ORIGIN_HOST = re.compile(
    r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::\d{1,5})?\Z|\[[0-9a-f:.]+\](?::\d{1,5})?\Z"
)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")
_KEY = re.compile(r"[\x21-\x7e]+\Z")
_AZURE_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?:-preview)?\Z", re.ASCII)


def _listening_host(text: str) -> str:
    if not is_listening_host(text):
        raise InvalidValue(
            "must be an IP address or a host name alone",
            "no scheme, port or brackets; 0.0.0.0 or :: for every interface",
        )
    return text


def _allowed_host(text: str) -> str:
    if not is_listening_host(text):
        raise InvalidValue("must be a host name or IP address alone", "no scheme, port or brackets")
    return text.lower().rstrip(".")


def _addresses(urls: tuple[str, ...]) -> tuple[str, ...]:
    if not urls:
        raise InvalidValue("must not be empty", "write the server's URL")
    if len(set(urls)) != len(urls):
        raise InvalidValue("has an address twice", "remove one")
    return urls


def _origin(text: str) -> str:
    if text == "*":
        return text
    scheme, mark, host = text.lower().partition("://")
    if not mark or not _SCHEME.match(scheme) or not _ORIGIN_HOST.match(host):
        raise InvalidValue(
            "must be an origin: scheme, host and port as browsers send them",
            "write https://app.example.com without a path, https://*.example.com, or *",
        )
    port = {"http": ":80", "https": ":443"}.get(scheme, "")
    return f"{scheme}://{host.removesuffix(port) if port else host}"


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if "*" in origins and len(origins) > 1:
        raise InvalidValue(
            "has other origins beside *, which allows every one", "remove * or the others"
        )
    return origins


def _api_key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text:
        raise InvalidValue("is empty", "set it, or leave the key out")
    if not _KEY.match(text):
        advice = "a line break at its end, perhaps from a file, is the usual cause"
        if text.lower().startswith("bearer "):
            advice = "write the key alone, without Bearer"
        raise InvalidValue("must be printable ASCII without spaces", advice)
    return secret


def _proxy(secret: SecretStr) -> SecretStr:
    return SecretStr(checked_proxy_url(secret.get_secret_value()))


def _header_name(text: str) -> str:
    name = text.lower()
    if not is_name(name.encode("utf-8", "replace")):
        raise InvalidValue("is not a valid header name", "letters, digits and '-'")
    if name.encode() in SET_BY_THE_GATEWAY:
        raise InvalidValue("is a header that the gateway sets by itself", "remove it")
    return name


def _distinct_headers(value: Any) -> Any:
    if isinstance(value, dict) and len({str(name).lower() for name in value}) != len(value):
        raise InvalidValue("has a header twice, in different spellings", "remove one")
    return value


def _header_value(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not _HEADER_VALUE.match(text) or text != text.strip():
        raise InvalidValue("must be one line of Latin-1 text without spaces around it")
    return secret


def _azure_version(text: str) -> str:
    if not _AZURE_VERSION.match(text):
        raise InvalidValue(
            "is not a dated version of Azure's API",
            "write one like 2024-10-21 or 2025-04-01-preview; Azure's v1 API needs none: let "
            "base_url end in /openai/v1",
        )
    return text


def _forwarded_header(text: str) -> str:
    name = _header_name(text)
    if is_never_forwarded(name.encode()):
        raise InvalidValue(
            "is a header that is never forwarded",
            "credential: decides whose key an upstream gets; headers: sets fixed fields",
        )
    return name


def _own_header(text: str) -> str:
    name = _header_name(text)
    if not name.startswith("x-gateway-") and is_never_forwarded(name.encode()):
        raise InvalidValue("is a header with another meaning", "write one like x-gateway-model")
    return name


ListeningHost = Annotated[str, AfterValidator(_listening_host)]
AllowedHost = Annotated[str, AfterValidator(_allowed_host)]
CorsOrigin = Annotated[str, AfterValidator(_origin)]
CorsOrigins = Annotated[
    tuple[CorsOrigin, ...], BeforeValidator(one_as_list), AfterValidator(_origins)
]
BaseUrl = Annotated[str, AfterValidator(checked_base_url)]
BaseUrls = Annotated[tuple[BaseUrl, ...], BeforeValidator(one_as_list), AfterValidator(_addresses)]
CollectorUrl = Annotated[str, AfterValidator(checked_collector_url)]
ApiKey = Annotated[SecretStr, AfterValidator(_api_key)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]
Headers = Annotated[dict[HeaderName, HeaderValue], BeforeValidator(_distinct_headers)]
OwnHeader = Annotated[str, AfterValidator(_own_header)]
ForwardedHeader = Annotated[str, AfterValidator(_forwarded_header)]
AzureVersion = Annotated[str, AfterValidator(_azure_version)]
