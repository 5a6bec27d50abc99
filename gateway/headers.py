"""Header fields that mean the same in every layer. Names are in lower case."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from gateway import hops

CREDENTIAL_HEADERS: Final = frozenset({b"authorization", b"api-key", b"x-api-key"})
"""The fields that carry a credential: OpenAI's, Azure's `api-key` and Anthropic's `x-api-key`."""

ANTHROPIC_VERSION: Final = b"anthropic-version"
"""The field by which a client of Anthropic's API is known, where a path is OpenAI's, too."""

LIST_HEADERS: Final = frozenset({b"anthropic-beta", b"openai-beta"})
"""Fields that are lists: what is configured is sent together with the client's."""

ACCOUNT_HEADERS: Final = frozenset({b"openai-organization", b"openai-project"})
"""Which account of the key's owner is meant; of no meaning with anybody else's key."""

CALLER_HEADERS: Final = CREDENTIAL_HEADERS | ACCOUNT_HEADERS
"""The fields that say who the caller is."""

HOP_BY_HOP: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
"""Fields about one connection only (RFC 9110 section 7.6.1)."""

SET_BY_THE_GATEWAY: Final = HOP_BY_HOP | {
    *(b"accept-encoding", b"content-length", b"expect", b"host"),
    hops.HEADER,
}
"""Fields of a request to an upstream that neither clients nor operators set."""

_NEVER_FORWARDED = SET_BY_THE_GATEWAY | CREDENTIAL_HEADERS | {b"cookie", b"forwarded"}
_NEVER_FORWARDED_PREFIXES = (b"x-forwarded-", b"x-gateway-", b"sec-websocket-")
_MESSAGES = "/messages"
_OF_BOTH = ("/models", "/files")
_BELOW = tuple(f"{path}/" for path in _OF_BOTH)
"""Paths that OpenAI's API and Anthropic's share."""
_HOST = re.compile(rb"(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")
_NAME = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~\-]+")

UNSAFE_BYTES: Final = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])
"""The control characters that no value may have: they could begin another field."""

UNSAFE: Final = re.compile(b"[" + re.escape(UNSAFE_BYTES) + b"]")
"""One of them."""

BODILESS: Final = frozenset({204, 304})
"""The statuses whose replies have no body, whatever their fields say (RFC 9112 section 6.3)."""

JSON: Final = (b"content-type", b"application/json")
"""The type of a JSON body that the gateway writes."""

EVENT_STREAM: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
"""The head of an event stream that the gateway writes; the last field is nginx's: no buffering."""


def is_never_forwarded(name: bytes) -> bool:
    """Whether a client's field goes to no upstream, even if the configuration says so."""
    return name in _NEVER_FORWARDED or name.startswith(_NEVER_FORWARDED_PREFIXES)


def named_in_connection(fields: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """Return the names that `Connection` declares to be about this hop only.

    A reply's `content-length` and a credential cannot be declared away.
    """
    named = {
        token.strip().lower()
        for name, value in fields
        if name == b"connection"
        for token in value.split(b",")
    }
    return frozenset(named - CALLER_HEADERS - {b"content-length"})


@lru_cache(maxsize=1024)
def is_name(name: bytes) -> bool:
    """Whether this can be a field's name: a token (RFC 9110 section 5.6.2)."""
    return _NAME.fullmatch(name) is not None


def joined_list(values: Iterable[bytes]) -> bytes:
    """Return the lists in a field's values as one, in which nothing is named twice.

    The first one counts, also of entries that are a name with a value (`assistants=v2`).
    """
    entries: dict[bytes, bytes] = {}
    for value in values:
        for entry in value.split(b","):
            entries.setdefault(entry.partition(b"=")[0].strip().lower(), entry.strip())
    return b",".join(filter(None, entries.values()))


def speaks_anthropic(path: str, fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request is made for Anthropic's API: by its path below `/v1`, or its version field.

    The field decides where a path is OpenAI's, too.
    """
    if path == _MESSAGES or path.startswith(f"{_MESSAGES}/"):
        return True
    if path in _OF_BOTH or path.startswith(_BELOW):
        return has_anthropics_version(fields)
    return False


def has_anthropics_version(fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request has the field that Anthropic's clients send with each, and no others do."""
    return any(name == ANTHROPIC_VERSION for name, _ in fields)


def unambiguous(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return fields with their lengths, so that no two different lists of them read the same."""
    return b"".join([b"%d:%b%d:%b" % (len(n), n, len(v), v) for n, v in fields])


def host_of(fields: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the host that a request is for: in lower case, without port, brackets and final dot.

    None unless there is exactly one Host field, with a name or an address and an optional port.
    """
    hosts = [value for name, value in fields if name == b"host"]
    match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    return None if match is None else (match[1] or match[2]).decode("ascii").lower().rstrip(".")
