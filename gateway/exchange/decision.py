"""What was decided about a request, as reply headers and operators see it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec

from gateway.errors import Reason, UpstreamError
from gateway.exchange.usage import Tokens
from gateway.headers import UNSAFE
from gateway.request_ids import id_in, line_among
from gateway.resolve.evidence import Evidence
from gateway.shapes import RawHeaders, Shape
from gateway.translate.contract import Report

MAX_MODEL_LENGTH = 512
"""Characters of a model's name."""

SHOWN_FIELDS = (
    b"x-gateway-upstream",
    b"x-gateway-endpoint",
    b"x-gateway-resolved-by",
    b"x-gateway-attempts",
    b"x-gateway-translation",
    b"x-gateway-warning",
)
"""The fields of a reply that show its decision."""


class UpstreamFailure(NamedTuple):
    """One call that an upstream failed, for the operator.

    In words, without the error itself, which would keep the request's frames alive. `status` is
    that of the upstream's error reply, 0 where it gave none.
    """

    upstream: str
    reason: Reason
    status: int = 0
    message: str = ""
    final: bool = False
    """The client got it as its reply, under a status that says success."""


class Decision(msgspec.Struct, gc=False):
    """What was decided about a request, filled in step by step; shown in reply headers.

    A `Struct`, since one is made for every request: a dataclass with as many fields takes five
    times as long. It refers to nothing that refers to it, so the garbage collector can ignore it.
    """

    upstream: str = ""
    shape: Shape | None = None
    endpoint: str = ""
    """The canonical path of the endpoint called: `/v1/chat/completions`."""
    resolved_by: str = ""
    attempts: int = 0
    resends: int = 0
    """How often a call of these attempts was sent again by its sender."""
    translation: str = ""
    warning: str = ""
    client: str = ""
    """The name of the gateway's own client that called; it is in no reply header."""
    failures: tuple[UpstreamFailure, ...] = ()
    """Failed calls that the reply does not show. Where there are any, the others are here too."""
    misplaced_rule: str = ""
    """The pattern of a rule whose endpoint refused the model, which then answered elsewhere."""
    params: Report | None = None
    """What a rule's `params` have changed in the request."""
    model_asked: str = ""
    """The client's name of the model, as far as it is known."""
    model_sent: str = ""
    """The upstream's name of the model."""
    evidence: tuple[Evidence, ...] = ()
    """The evidence of the route."""
    address: str = ""
    """The base URL that took the last attempt, if the upstream has several."""
    id_line: bytes = b""
    """The `x-request-id` of the reply, as a line of a head."""
    is_clients_id: bool = False
    """Whether that is the client's own, so that no upstream's takes its place."""
    cors: RawHeaders = ()
    """The fields of the reply for web pages of other origins."""
    anthropic: bool = False
    """Whether the client gets errors in Anthropic's envelope, and its id as `request-id`, too."""
    first_byte: float | None = None
    """Seconds until the first byte of the reply's body was there to be sent; None: not yet."""
    tokens: Tokens | None = None
    """The tokens that the upstream counted; None if it did not say."""

    @property
    def request_id(self) -> str:
        """The `x-request-id` of the reply; empty without one."""
        return id_in(self.id_line)

    @property
    def has_failed(self) -> bool:
        """Whether the reply is an error, whatever its status."""
        return bool(self.failures) and self.failures[-1].final

    def failed(self, upstream: str, error: UpstreamError, *, final: bool = False) -> None:
        """Note a failed call for the operator, where the request's own end will not report it."""
        self.failures = (
            *self.failures,
            UpstreamFailure(upstream, error.reason, error.upstream_status, error.message, final),
        )

    def asked_for(self, model: str) -> None:
        """Note the client's name of the model, which may not have been checked."""
        self.model_asked = model[:MAX_MODEL_LENGTH]

    def sent_as(self, model: str) -> None:
        """Note the upstream's name of the model, which may be the client's."""
        self.model_sent = model[:MAX_MODEL_LENGTH]

    def warn(self, text: str) -> None:
        """Add to what the client is warned of; an empty text, or a known one, adds nothing."""
        if text not in self.warning:
            self.warning = "; ".join(filter(None, (self.warning, text)))

    def take_back(self, text: str) -> None:
        """Remove a text that `warn` has added."""
        if text and text in self.warning:
            before, _, after = self.warning.partition(text)
            self.warning = "; ".join(filter(None, (before.removesuffix("; "), after[2:])))

    def identified(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the id among the fields of an upstream's reply, unless the client has given one."""
        self.take_id_line(line_among(fields))

    def take_id_line(self, line: bytes) -> None:
        """Do the same with the line of a head that has such an id; empty: there is none."""
        if line and not self.is_clients_id:
            self.id_line = line

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the `x-gateway-…` fields for what is known so far, and those for web pages."""
        return list(self._shown()[0])

    def lines(self) -> bytes:
        """Return the same fields as the lines of a head, each with its CRLF."""
        return self._shown()[1]

    def _shown(self) -> "_Shown":
        return _shown(
            self.upstream,
            self.endpoint,
            self.resolved_by,
            self.attempts + self.resends,
            self.translation,
            self.warning,
            self.cors,
        )


_Shown = tuple[tuple[tuple[bytes, bytes], ...], bytes]


@lru_cache(maxsize=512)
def _shown(
    upstream: str,
    endpoint: str,
    resolved_by: str,
    attempts: int,
    translation: str,
    warning: str,
    cors: RawHeaders,
) -> _Shown:
    """Return the fields of a decision, and their lines: few are made again and again."""
    values = (upstream, endpoint, resolved_by, str(attempts or ""), translation, warning)
    fields = tuple(
        (name, UNSAFE.sub(b"?", value.encode("ascii", "backslashreplace")))
        for name, value in zip(SHOWN_FIELDS, values, strict=True)
        if value
    )
    fields += tuple((name, UNSAFE.sub(b"?", value)) for name, value in cors)
    return fields, b"".join([b"%b: %b\r\n" % field for field in fields])
