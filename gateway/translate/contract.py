"""What every translation offers, whichever two shapes it joins.

A `Translation` is made from one client request. It has one or more upstream `calls` (request
bodies) and folds their replies, or their streams, back into one reply in the client's shape.
Everything here is pure: dicts in, dicts out; no I/O, no clock, no randomness but what is handed in
through `Context`.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Final, Literal, Protocol

from gateway.config.translation_settings import TemplateSettings, TranslationSettings
from gateway.errors import GatewayError, UnsupportedParameter, UpstreamError
from gateway.shapes import ItemNames, Json, Seal, Shape
from gateway.translate.exact_inputs import ExactInputs
from gateway.translate.limits.capabilities import TAKES_ALL, Capabilities
from gateway.translate.parts.model_names import ModelNames
from gateway.translate.parts.tokens.ids import KNOWN_IDS, TokenIds
from gateway.translate.report_entries import listed, note

Detokenize = Callable[[Sequence[int]], str]
"""Token ids to text, special tokens as their text (`<|endoftext|>`)."""


@dataclass(slots=True)
class Context:
    """The facts that a translation needs beside the request itself.

    Never changed, but not frozen: one is made for each request, and freezing triples the cost.
    """

    model_asked: str
    model_sent: str
    settings: TranslationSettings = field(default_factory=TranslationSettings)
    capabilities: Capabilities = field(default_factory=Capabilities)
    own_endpoint: Capabilities = TAKES_ALL
    """What the model is known not to take of a request that needs no translation."""
    template: TemplateSettings | None = None
    """The configured prompt template; None: the model's name chooses one
    (`prompt.write.select`)."""
    base_model: str | None = None
    """The model that `model_sent` derives from, where known: it too can select the template."""
    reasoning_effort: str | None = None
    """The effort configured for the model, sent if the client's request has none."""
    detokenize: Detokenize | None = None
    token_ids: TokenIds = KNOWN_IDS
    new_id: Callable[[], str] = field(default=lambda: "0" * 32)
    """A fresh random identifier without prefix, 32 hex digits."""
    now: int = 0
    """Unix time in seconds, for replies that the gateway makes by itself."""
    is_pivot: bool = False
    """Whether this is the first of two translations: its chat request is translated again."""
    upstream: str = ""
    """The upstream's name: sealed state goes back only to the upstream that it came from."""
    scope: Hashable = None
    """The server and the credential: what is kept for one scope is not used in another."""
    seal: Seal | None = None
    """The seal of the calling client; None: the gateway can seal nothing for it."""
    items: ItemNames | None = None
    """The client's names for the items of `input`; None: `input` is as the client sent it."""
    session: str | None = None
    """The client's name of its session, from a header field: all its requests have it."""
    inputs: ExactInputs | None = None
    """A messages request's tool inputs as written; None: only their values are known."""
    pivot: "Context | None" = field(default=None, init=False, repr=False, compare=False)
    """The context of the first of two translations, made when it is first needed."""

    @property
    def late_system(self) -> Literal["keep", "user", "hoist"]:
        """What to do with a system message that follows messages of other roles."""
        configured = self.settings.late_system
        return self.capabilities.late_system if configured == "auto" else configured

    def with_capabilities(self, capabilities: Capabilities) -> "Context":
        """Return a copy for another endpoint."""
        return self.changed(capabilities=capabilities)

    def changed(self, **values: Any) -> "Context":
        """Return a copy with other values, in a tenth of the time of `dataclasses.replace`."""
        copy = Context(*_given(self))
        for name, value in values.items():
            setattr(copy, name, value)
        return copy


_given: Callable[[Context], tuple[Any, ...]] = attrgetter(
    *[each.name for each in fields(Context) if each.init]
)


@dataclass(slots=True)
class Report:
    """What a translation dropped, changed or emulated, in the *client's* parameter names.

    It becomes the `x-gateway-translation` header; an entry is a bare name or `name:old->new`.
    """

    source: Shape
    target: Shape
    dropped: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    emulated: list[str] = field(default_factory=list)
    items: ItemNames | None = None
    """The client's names for the items of `input`; None: `input` is as the client sent it."""
    body: Shape | None = None
    """The shape of the client's body, if the endpoint that it was sent to has another one."""
    models: ModelNames | None = field(default=None, compare=False)
    """The model's names as asked and as sent; None: they are the same."""

    def drop(self, name: str) -> None:
        """Note a parameter that is not sent."""
        note(self.dropped, self.named(name))

    def change(self, name: str, old: object, new: object) -> None:
        """Note a value that is sent differently: `max_output_tokens:4->16`."""
        note(self.changed, f"{self.named(name)}:{old}->{new}")

    def rename(self, old: str, new: str) -> None:
        """Note a parameter that is sent under another name: `max_tokens->max_completion_tokens`."""
        note(self.changed, f"{self.named(old)}->{new}")

    @property
    def renamed(self) -> dict[str, str]:
        """The client's names of renamed parameters, by the names sent; not of items."""
        entries = (entry.partition("->") for entry in self.changed)
        return {
            new: old for old, arrow, new in entries if arrow and ":" not in old and "[" not in old
        }

    def emulate(self, name: str) -> None:
        """Note a parameter that the gateway emulates."""
        note(self.emulated, self.named(name))

    def add(self, other: "Report") -> None:
        """Append what another report of the same request has noted."""
        for mine, entries in (
            (self.dropped, other.dropped),
            (self.changed, other.changed),
            (self.emulated, other.emulated),
        ):
            for entry in entries:
                note(mine, entry)

    def named(self, name: str) -> str:
        """Return a parameter's name as the client has it."""
        return name if self.items is None else self.items.client_path(name)

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self.dropped) + len(self.changed) + len(self.emulated)

    def header(self) -> str:
        """Return the header value: printable ASCII, empty lists left out."""
        of_body = f"; body={self.body}" if self.body else ""
        header = f"from={self.source}{of_body}; to={self.target}"
        if not (self.dropped or self.changed or self.emulated):
            return header
        for name, entries in (
            ("dropped", self.dropped),
            ("changed", self.changed),
            ("emulated", self.emulated),
        ):
            if entries:
                header += f"; {name}={listed(entries)}"
        return header


_DROPS: Final = "on_unsupported"
HOSTED_TOOLS: Final = "hosted_tools"


def unsupported(
    context: Context,
    report: Report,
    param: str,
    reason: str,
    *,
    droppable: bool = True,
    setting: str = _DROPS,
) -> None:
    """Refuse a parameter (REF), or drop and report it where the operator allows that (REF*).

    `reason` and `setting` are those of `refused`. Raises `UnsupportedParameter`.
    """
    if droppable and context.settings.on_unsupported == "drop":
        report.drop(param)
        return
    raise refused(context, param, reason, setting if droppable else "")


def refused(context: Context, param: str, reason: str, setting: str) -> UnsupportedParameter:
    """Return the error for a parameter that is refused.

    `reason` completes "'suffix' is not supported for model 'X': …". `setting` is the key of the
    configuration with which the operator can have such parameters dropped; the message advises
    that. Empty: the only advice is to remove the parameter.
    """
    advice = "Remove it."
    if setting:
        advice = f"Remove it, or ask the gateway's operator to drop it ({setting}: drop)."
    return UnsupportedParameter(
        f"'{param}' is not supported for model '{context.model_asked}': {reason} {advice}",
        param=param,
    )


MAX_REPLY_CHARACTERS = 32 * 1024 * 1024
"""The longest reply, in characters, that a stream translation keeps until its end."""


def check_reply_length(characters: int, limit: str) -> None:
    """Raise `UpstreamError` if a reply is too long; `limit` is the client's parameter for that."""
    if characters > MAX_REPLY_CHARACTERS:
        raise UpstreamError(
            f"The upstream's reply has more than {MAX_REPLY_CHARACTERS} characters. "
            f"Limit it with '{limit}'."
        )


class StreamTranslation(Protocol):
    """Folds the streams of all calls into one stream of the client's shape.

    Every method returns the events to send now, as JSON objects; the terminator (`[DONE]`) and the
    SSE framing are the caller's. State is bounded: nothing already emitted is kept, except what the
    target grammar repeats at its end.
    """

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one event of one call's stream (the decoded `data:` of it).

        Raises `UpstreamReplied` when the event is an upstream's error.
        """

    def end(self, call: int) -> list[Json]:
        """Take the end (`[DONE]` or end of stream) of one call's stream.

        Returns the closing events once the last call has ended. Raises `TruncatedStream` when the
        call's stream was not complete.
        """

    def fail(self, error: GatewayError) -> list[Json]:
        """Return the events that report an error after the stream has begun: its envelope."""
        return [dict(error.envelope())]

    def ping(self) -> list[Json]:
        """Return the events that show the client of a silent stream that it is alive.

        Empty: an SSE comment is sent instead. The events change no state.
        """
        return []

    def satisfied(self, call: int) -> bool:  # noqa: ARG002
        """Whether nothing more of this call's stream is needed (a stop sequence was found)."""
        return False

    @property
    def passes_text(self) -> bool:
        """Whether each piece of text leaves at once and unchanged, wherever it is cut.

        Then several text events may be merged into one without a change for the client. False is
        always safe, and necessary where text is inspected: for stop sequences, for the logprobs of
        its tokens. The value may become False, so the caller asks again after each event that could
        open the fast path.
        """
        return False


class Translation(Protocol):
    """One client request as upstream calls, and the fold of their replies."""

    @property
    def report(self) -> Report:
        """What was dropped, changed and emulated."""

    @property
    def calls(self) -> Sequence[Json]:
        """The upstream request bodies, in order. Empty when `local_reply` answers alone."""

    def local_reply(self) -> Json | None:
        """Return the reply that needs no upstream call (completions' `max_tokens: 0`), or None."""

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the whole replies of all calls, in call order, into the client's reply.

        Raises `UpstreamError` where a reply has not the shape it should have.
        """

    def stream(self) -> StreamTranslation:
        """Return the stream folder. To be called once for each translation."""

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a parameter that the upstream named in an error to `call`.

        None when the client's request has no such parameter.
        """
