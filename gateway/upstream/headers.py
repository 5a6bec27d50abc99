"""Selects the header fields that go to an upstream, by an allow-list: unknown ones stay here."""

from collections.abc import Iterable
from urllib.parse import quote

from gateway import hops, request_ids
from gateway.config.settings import UpstreamSettings
from gateway.errors import InvalidRequest
from gateway.headers import (
    ANTHROPIC_VERSION,
    SET_BY_THE_GATEWAY,
    UNSAFE,
    UNSAFE_BYTES,
    is_name,
    is_never_forwarded,
    named_in_connection,
)
from gateway.shapes import ClientHeaders, RawHeaders, UpstreamCall
from gateway.upstream.credentials import Credentials
from gateway.upstream.list_fields import ListFields

FORWARDED = frozenset(
    {
        b"content-type",
        b"accept",
        b"user-agent",
        b"openai-beta",
        b"openai-safety-identifier",
        b"idempotency-key",
        b"x-client-request-id",
        b"x-request-id",
        b"traceparent",
        b"tracestate",
    }
)
"""The client's fields that every upstream gets."""

FORWARDED_PREFIX = b"x-stainless-"
"""The prefix of the fields in which OpenAI's SDKs describe themselves."""

MESSAGES_PREFIXES = (b"anthropic-", b"x-claude-code-")
"""Fields that only requests for Anthropic's API carry: an open list (code.claude.com)."""

_FROM_A_PAGE = b"anthropic-dangerous-direct-browser-access"
"""The field by which web pages may call Anthropic's service; the gateway's calls are from none."""
_MESSAGES = "/messages"
_VERSION = (ANTHROPIC_VERSION, b"2023-06-01")
"""The version of requests made for clients of other APIs: this one takes all parameters."""

_METHODS_WITH_A_BODY = frozenset({"POST", "PUT", "PATCH"})
_FIRST_HOP = (hops.HEADER, hops.MARK)
_ASCII = "".join(map(chr, range(0x20, 0x7F)))


class RequestStart:
    """The beginning of heads: the request line, and the fields that all requests have.

    It is compared by identity, as the key under which a client's fields cache the rest of the head.
    """

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text


class OutgoingHeaders:
    """The header fields for one upstream, without those for framing, which the sender adds.

    Raises `ValueError` when the configured headers cannot be sent or must not be forwarded.
    """

    def __init__(
        self, upstream: UpstreamSettings, credentials: Credentials, host_header: bytes
    ) -> None:
        self._credentials = credentials
        given = tuple(_configured(upstream.name, n, v.reveal()) for n, v in upstream.headers)
        self._lists = ListFields(given)
        fixed = [field for field in given if field not in self._lists]
        self._fixed_names = frozenset(name for name, _ in fixed)
        self.fixed = [(b"host", host_header), (b"accept-encoding", b"identity"), *fixed]
        extra = {_forwardable(upstream.name, name) for name in upstream.forward_headers}
        self._model_header = (upstream.model_header or "").encode("ascii")
        self._forwarded = (FORWARDED | extra) - self._fixed_names - {self._model_header}
        self._no_start = RequestStart(b""), RequestStart(b"")
        """Empty starts, to get the lines alone; indexed by `_is_messages`, as the fields differ."""
        self._needs_version = upstream.kind.needs_version
        self._takes_id = request_ids.HEADER not in self._fixed_names

    def outgoing(self, call: UpstreamCall) -> list[tuple[bytes, bytes]]:
        """Return all fields to send for a call, but for its framing."""
        from_client = self.from_client(call.client_headers, messages=self._is_messages(call))
        fields = [*self.fixed, *from_client, *self._added(call)]
        if self._takes_id and (line := request_ids.OUTGOING.get()):
            fields.append((request_ids.HEADER, line[len(request_ids.HEADER) + 2 : -2]))
        return fields

    def lines(self, call: UpstreamCall) -> bytes:
        """Return all fields but the `fixed` ones and the framing, as the lines of a head.

        Raises like `from_client`.
        """
        return self.head(self._no_start[self._is_messages(call)], call)

    def head(self, start: RequestStart, call: UpstreamCall) -> bytes:
        """Return the beginning of a head with the `lines()`; each path has its own `start`."""
        headers = call.client_headers
        kept = headers.derived if isinstance(headers, ClientHeaders) else {}
        lines: bytes | None = kept.get(start)
        if lines is None:
            fields = self.from_client(headers, messages=self._is_messages(call))
            lines = kept[start] = start.text + field_lines(fields)
        if call.trace or self._model_header:
            lines += field_lines(self._added(call))
        return lines + request_ids.OUTGOING.get() if self._takes_id else lines

    def _is_messages(self, call: UpstreamCall) -> bool:
        return self._needs_version or call.path.startswith(_MESSAGES)

    def _added(self, call: UpstreamCall) -> list[tuple[bytes, bytes]]:
        """Return a call's own fields: those of its trace that are not fixed, and its model's."""
        fields = [field for field in call.trace if field[0] not in self._fixed_names]
        if self._model_header and call.model:
            # A model's name may have any letters, a field only ASCII, which stays as it is.
            fields.append((self._model_header, quote(call.model, safe=_ASCII).encode("ascii")))
        return fields

    def from_client(
        self, client_headers: RawHeaders, *, messages: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """Return the fields to send beside the `fixed` ones: the credential, configured lists.

        `messages`: those of Anthropic's API, too, with its version if there is none. Raises
        `InvalidRequest` when a field to be forwarded contains a control character.
        """
        forwarded = self._forwarded
        fields: list[tuple[bytes, bytes]] = []
        has_connection = has_passed = False
        for field in client_headers:
            name = field[0]
            if name in forwarded or (
                name.startswith(FORWARDED_PREFIX) and name not in self._fixed_names
            ):
                fields.append(field)
            elif name == b"connection":
                has_connection = True
            elif name == hops.HEADER:
                has_passed = True
        if messages:
            fields += self._of_messages(client_headers)
        if has_connection and (named := named_in_connection(client_headers)):
            fields = [field for field in fields if field[0] not in named]
        own = self._credentials
        for field in (own.for_messages if messages else own.headers)(client_headers):
            # Account fields can be configured though the credential is the caller's.
            if field[0] not in self._fixed_names:
                fields.append(field)
        fields.append((hops.HEADER, hops.passing_on(client_headers)) if has_passed else _FIRST_HOP)
        fields = self._lists.joined_with(fields)
        _refuse_control_characters(fields)
        return fields

    def _of_messages(self, client_headers: RawHeaders) -> list[tuple[bytes, bytes]]:
        """Return the client's fields of Anthropic's API that are not sent anyway."""
        known = self._forwarded | self._fixed_names
        fields = [
            field
            for field in client_headers
            if field[0].startswith(MESSAGES_PREFIXES)
            and field[0] not in known
            and field[0] != _FROM_A_PAGE
        ]
        versions = [name for name, _ in client_headers if name == ANTHROPIC_VERSION]
        if not versions and ANTHROPIC_VERSION not in self._fixed_names:
            fields.append(_VERSION)
        return fields


def field_lines(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return fields as they are written into a head."""
    return b"".join([b"%b: %b\r\n" % field for field in fields])


def framing(call: UpstreamCall) -> RawHeaders:
    """Return the fields that say how long the call's body is (RFC 9112 section 6.3)."""
    if not isinstance(call.body, bytes):
        if call.body_length is None:
            return ((b"transfer-encoding", b"chunked"),)
        return ((b"content-length", b"%d" % call.body_length),)
    if call.body or call.method in _METHODS_WITH_A_BODY:
        return ((b"content-length", b"%d" % len(call.body)),)
    return ()


def _refuse_control_characters(fields: list[tuple[bytes, bytes]]) -> None:
    for name, _ in fields:
        if not is_name(name):
            break
    else:
        values = b"".join([value for _, value in fields])
        if len(values.translate(None, UNSAFE_BYTES)) == len(values):
            return
    bad = next(name for name, value in fields if UNSAFE.search(value) or not is_name(name))
    shown = bad.decode("ascii", "backslashreplace")
    raise InvalidRequest(
        f"The request header {shown!r} contains a control character or has a bad name."
    )


def _configured(upstream: str, name: str, value: str) -> tuple[bytes, bytes]:
    where = f"upstream '{upstream}': headers.{name}"
    lowered = _lower_token(where, name)
    if lowered in SET_BY_THE_GATEWAY:
        raise ValueError(f"{where}: is set by the gateway itself; remove it")
    try:
        encoded = value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(f"{where}: the value is not Latin-1") from error
    if UNSAFE.search(encoded):
        raise ValueError(f"{where}: the value contains a control character")
    return lowered, encoded.strip()


def _forwardable(upstream: str, name: str) -> bytes:
    where = f"upstream '{upstream}': forward_headers: {name}"
    lowered = _lower_token(where, name)
    if is_never_forwarded(lowered):
        raise ValueError(f"{where}: is never forwarded; remove it (see `credential` for keys)")
    return lowered


def _lower_token(where: str, name: str) -> bytes:
    encoded = name.encode("utf-8").lower()
    if not is_name(encoded):
        raise ValueError(f"{where}: is not a header name")
    return encoded
