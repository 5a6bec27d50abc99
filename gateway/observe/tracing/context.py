"""Trace contexts in header fields: `traceparent` and `tracestate` (W3C Trace Context, level 2)."""

import re
from random import getrandbits
from typing import Final, NamedTuple

from gateway.shapes import RawHeaders

TRACEPARENT: Final = b"traceparent"
TRACESTATE: Final = b"tracestate"
FIELDS: Final = frozenset({TRACEPARENT, TRACESTATE})
SAMPLED: Final = 1
"""The flag of traces that are recorded."""

_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[^\x00-\x1f]*)?")
_KEY = rb"(?:[a-z][a-z0-9_*/\-]{0,255}|[a-z0-9][a-z0-9_*/\-]{0,240}@[a-z][a-z0-9_*/\-]{0,13})"
_VALUE = rb"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(_KEY + rb"=" + _VALUE)
_MAX_MEMBERS = 32
_MAX_STATE = 8192
"""Bytes of a `tracestate`, above what any of its members may need (level 2: at least 512)."""
_INVALID_VERSION = b"ff"
_KNOWN_VERSION = b"00"
_KNOWN_FLAGS = 0x03
_NO_TRACE = b"0" * 32
_NO_SPAN = b"0" * 16
_LAST_8_BYTES = 2**64 - 1


class Context(NamedTuple):
    """A place in a trace: the ids are in hexadecimal."""

    trace_id: bytes
    span_id: bytes
    flags: int
    state: bytes = b""
    """The `tracestate`, which passes through unchanged."""

    @property
    def is_sampled(self) -> bool:
        """Whether the trace is recorded."""
        return bool(self.flags & SAMPLED)

    def fields(self) -> RawHeaders:
        """Return the header fields that carry the context."""
        parent = (TRACEPARENT, b"00-%b-%b-%02x" % (self.trace_id, self.span_id, self.flags))
        return (parent, (TRACESTATE, self.state)) if self.state else (parent,)

    def child(self) -> "Context":
        """Return the context of a new span below this one."""
        return self._replace(span_id=b"%016x" % getrandbits(64))


def context_of(headers: RawHeaders) -> Context | None:
    """Return the context of a request; None without a valid `traceparent`."""
    parents = [value for name, value in headers if name == TRACEPARENT]
    match = _PARENT.fullmatch(parents[0].strip()) if len(parents) == 1 else None
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == _INVALID_VERSION or (version == _KNOWN_VERSION and more is not None):
        return None
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return Context(trace_id, span_id, int(flags, 16) & _KNOWN_FLAGS, _state_of(headers))


def _state_of(headers: RawHeaders) -> bytes:
    """Return the `tracestate`; nothing if it is invalid."""
    state = b",".join([value for name, value in headers if name == TRACESTATE])
    members = [member.strip(b" \t") for member in state.split(b",")]
    members = [member for member in members if member]
    if len(state) > _MAX_STATE or len(members) > _MAX_MEMBERS:
        return b""
    return b",".join(members) if all(_MEMBER.fullmatch(member) for member in members) else b""


class Sampler:
    """Starts traces: a parent decides whether its children are recorded, else the ratio does.

    The ratio is applied as OpenTelemetry's `TraceIdRatioBased` applies it, to the last 8 bytes of
    the trace's id.
    """

    def __init__(self, ratio: float) -> None:
        self._bound = round(ratio * 2**64)

    def start(self, parent: Context | None) -> Context:
        """Return the context of a new span below `parent`, or of the first span of a new trace."""
        if parent is not None:
            return parent.child()
        trace_id = getrandbits(128)
        flags = SAMPLED if trace_id & _LAST_8_BYTES < self._bound else 0
        return Context(b"%032x" % trace_id, b"%016x" % getrandbits(64), flags)
