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
"""How many characters of a model's name are kept."""

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
    """A failed call to an upstream, as operators see it.

    It has the words of the error and not the error itself, which would keep the request's frames
    alive. `status` is that of the upstream's error reply, 0 if there was none.
    """

    upstream: str
    reason: Reason
    status: int = 0
    message: str = ""
    final: bool = False
    """Whether the client got this failure as its reply, under a status of success."""


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
    """How often the sender of an upstream has sent a call of these attempts again."""
    translation: str = ""
    warning: str = ""
    client: str = ""
    """The configured name of the client that called; no reply header has it."""
    failures: tuple[UpstreamFailure, ...] = ()
    """All failed calls; empty if none failed, or only one that the request's ending reports."""
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
    """Whether the client has given that id itself, so that no upstream's id takes its place."""
    cors: RawHeaders = ()
    """The CORS fields of the reply, for web pages of other origins."""
    anthropic: bool = False
    """Whether errors are in Anthropic's envelope, and the reply's id is in `request-id`, too."""
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
        """Note the client's name of the model, unchecked and so cut to a bounded length."""
        self.model_asked = model[:MAX_MODEL_LENGTH]

    def sent_as(self, model: str) -> None:
        """Note the upstream's name of the model, cut likewise: it may be the client's own."""
        self.model_sent = model[:MAX_MODEL_LENGTH]

    def warn(self, text: str) -> None:
        """Add a warning for the client, unless the text is empty or was added before."""
        if text not in self.warning:
            self.warning = "; ".join(filter(None, (self.warning, text)))

    def take_back(self, text: str) -> None:
        """Remove a text that `warn` has added."""
        if text and text in self.warning:
            before, _, after = self.warning.partition(text)
            self.warning = "; ".join(filter(None, (before.removesuffix("; "), after[2:])))

    def identified(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Use the request id in an upstream's reply fields, unless the client has given one."""
        self.take_id_line(line_among(fields))

    def take_id_line(self, line: bytes) -> None:
        """Do what `identified` does with the id as a line of a head; empty if there is none."""
        if line and not self.is_clients_id:
            self.id_line = line

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the `x-gateway-…` fields for what is known so far, and those for web pages."""
        return list(self._shown()[0])

    def lines(self) -> bytes:
        """Return the fields of `headers()` as the lines of a head, each with its CRLF."""
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
    """Return the fields of a decision, and their lines; cached, since the same few recur."""
    values = (upstream, endpoint, resolved_by, str(attempts or ""), translation, warning)
    fields = tuple(
        (name, UNSAFE.sub(b"?", value.encode("ascii", "backslashreplace")))
        for name, value in zip(SHOWN_FIELDS, values, strict=True)
        if value
    )
    fields += tuple((name, UNSAFE.sub(b"?", value)) for name, value in cors)
    return fields, b"".join([b"%b: %b\r\n" % field for field in fields])
