"""Configuration *as used*: frozen, complete, checked. `schema/` has it as written.

Secrets are `Secret`s: `repr` and `str` are masked, so no log, traceback or error shows one.
Times are seconds, sizes bytes.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from gateway.config.operator_settings import AdminSettings, LogSettings, TracingSettings
from gateway.config.secret import Secret
from gateway.config.store_settings import MemorySettings, ResponsesSettings
from gateway.config.translation_settings import ParamSettings, TemplateSettings, TranslationSettings
from gateway.servers import AUTO, Profile, profile
from gateway.shapes import CallTimeouts, Shape

_ANTHROPIC = profile("anthropic")


class CredentialPolicy(StrEnum):
    """Whose credential an upstream is called with."""

    KEY = "key"
    """The gateway's own `api_key`."""
    CALLER = "caller"
    """The caller's own, forwarded."""
    NONE = "none"
    """None at all."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What one side of TLS proves its identity with: paths of PEM files."""

    certificate: str
    """The certificate, and those between it and a CA."""
    key: str


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The client-facing listener and its limits."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    allow_anonymous: bool = False
    allowed_hosts: tuple[str, ...] = ()
    """Host names that the Host header may carry; empty: any."""
    cors_origins: tuple[str, ...] = ()
    """The origins of web pages that may read replies: exact, `*`, or `https://*.example.com`."""
    tls: TlsSettings | None = None
    max_body_bytes: int = 32 * 1024 * 1024
    """Limit of a body that is held in memory: requests at the generation endpoints."""
    max_upload_bytes: int = 1024 * 1024 * 1024
    """Limit of a body that is passed through as a stream, such as a file upload."""
    body_idle_timeout: float = 30.0
    send_timeout: float = 60.0
    """How long a client may leave its reply unread."""
    grace_period: float = 30.0
    first_byte_grace: float = 10.0
    """After so long without an event, a translated stream sends its 200 and keep-alive comments."""
    keepalive_interval: float = 15.0
    watch: bool = False
    """Whether to reload when the configuration's files change."""


LATEST_ANSWER = 5
"""How much longer a look-up may take than a request waits for it: a factor."""


@dataclass(frozen=True, slots=True)
class TimeoutSettings:
    """How long each phase of an upstream call may take."""

    connect: float = 5.0
    queue: float = 10.0
    first_byte: float = 600.0
    stream_idle: float = 300.0
    metadata: float = 2.0
    """How long a request waits for all its look-ups together."""

    @property
    def look_up(self) -> float:
        """How long one call of a look-up may take: its answer is remembered for later requests."""
        return LATEST_ANSWER * self.metadata

    def but(self, of_call: CallTimeouts | None) -> "TimeoutSettings":
        """Return these timeouts, those that a call has of its own put in their place."""
        return self if of_call is None else _combined(self, of_call)


@lru_cache(maxsize=256)
def _combined(upstream: TimeoutSettings, of_call: CallTimeouts) -> TimeoutSettings:
    given = {name: getattr(of_call, name) for name in CallTimeouts.__dataclass_fields__}
    return replace(upstream, **{name: given[name] for name in given if given[name] is not None})


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """One configured OpenAI-compatible server."""

    name: str
    base_url: str
    """Its only address, or the first of several: without a trailing slash; the shapes' paths are
    appended: `https://api.openai.com/v1`."""
    kind: Profile = AUTO
    credential: CredentialPolicy = CredentialPolicy.CALLER
    api_key: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    """Extra request headers from the configuration."""
    forward_headers: tuple[str, ...] = ()
    """Names of client headers to forward beside the built-in allow-list."""
    model_header: str | None = None
    """The name of a request header with the model as sent, in lower case; None: there is none."""
    timeouts: TimeoutSettings = field(default_factory=TimeoutSettings)
    max_connections: int = 256
    """The most connections at a time, for each of its addresses."""
    keepalive_expiry: float = 2.0
    max_connection_age: float = 300.0
    http2: bool = False
    proxy: Secret | None = None
    verify: bool | str = True
    """TLS verification: on, off, or the path of a CA bundle."""
    tls: TlsSettings | None = None
    """The certificate that the gateway shows it, if it asks for one."""
    api_version: str = "2024-10-21"
    """Azure's `api-version` for calls without one: the last dated version that is GA."""
    further_urls: tuple[str, ...] = ()
    """Its other addresses: servers of the same software with the same models."""
    messages_url: str | None = None
    """The base URL of its Anthropic-style API, if that is another one."""
    cache: Literal["auto"] | None = None
    """`auto`: a messages endpoint is asked to cache what it can of translated requests."""
    websockets: Literal["auto", "always", "never"] = "auto"
    """Whether turns on clients' responses sockets go to sockets of the upstream; `auto`: by its
    kind."""

    @property
    def base_urls(self) -> tuple[str, ...]:
        """All its addresses, in the order of the configuration."""
        return (self.base_url, *self.further_urls)

    @property
    def with_anthropics_paths(self) -> "UpstreamSettings":
        """The settings for `messages_url`, below which the paths are Anthropic's on any server."""
        return replace(self, kind=_ANTHROPIC)


@dataclass(frozen=True, slots=True)
class ModelRule:
    """One line under `models:`; the first whose pattern matches wins."""

    pattern: str
    """An exact name, or a glob (`*`, `?`, `[…]`), matched case-sensitively."""
    model: str | None = None
    """The name sent upstream, in which `*` is what the pattern's `*` matched; absent: the name
    asked for. See `model_for`."""
    upstream: str | None = None
    endpoints: tuple[Shape, ...] = ()
    template: TemplateSettings | None = None
    reasoning_effort: str | None = None
    """Sent with translated requests that set none."""
    translation: TranslationSettings | None = None
    """The global settings with this rule's overrides already applied."""
    timeouts: CallTimeouts | None = None
    """How long its calls may take, instead of the upstream's."""
    params: ParamSettings | None = None
    """Parameters of clients' requests that are set, filled in or dropped."""

    @property
    def is_glob(self) -> bool:
        """Whether the pattern stands for many names; such a rule is not listed as an alias."""
        return any(character in self.pattern for character in "*?[")

    @property
    def rewrites(self) -> bool:
        """Whether each name that the pattern matches is sent under a name of its own."""
        return self.model is not None and "*" in self.model

    def model_for(self, name: str) -> str | None:
        """Return the name to send for `name`, which the pattern matches; None: `name` itself."""
        if self.model is None or not self.rewrites:
            return self.model
        return _moved(name, self.pattern, self.model)

    def name_for(self, model: str) -> str | None:
        """Return the name to ask for so that the rule sends `model`; None: there is none."""
        return _moved(model, self.model, self.pattern) if self.model and self.rewrites else None


def _moved(name: str, source: str, target: str) -> str | None:
    """Return `target` with what the `*` of `source` matches in a name in place of its own `*`.

    None: `source` does not match the name, or its `*` matches nothing.
    """
    head, _, tail = source.partition("*")
    matched = name[len(head) : len(name) - len(tail)]
    return target.replace("*", matched) if matched and name == f"{head}{matched}{tail}" else None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """One of the gateway's own clients."""

    name: str
    key_sha256: tuple[str, ...]
    """The digests of its keys: one, or two while a key is being replaced."""
    models: tuple[str, ...] = ("*",)
    """Patterns of the names that it may ask for."""
    max_concurrency: int | None = None
    """The most requests at the same time, per process; None: any number."""
    is_restricted: bool = field(init=False)
    """Whether there are names that it may not ask for."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_restricted", "*" not in self.models)


@dataclass(frozen=True, slots=True)
class RetiredSettings:
    """What happens to requests for retired models."""

    redirect: tuple[tuple[str, str], ...] = ()
    """(name asked for, name that is served instead); every reply says so."""


@dataclass(frozen=True, slots=True)
class PerformanceSettings:
    """What is only there for speed."""

    fast_paths: bool = True
    """Common traffic takes the fast paths (`gateway/fast`); replies are the same without them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration. The first upstream is the default one."""

    upstreams: tuple[UpstreamSettings, ...]
    server: ServerSettings = field(default_factory=ServerSettings)
    models: tuple[ModelRule, ...] = ()
    clients: tuple[ClientSettings, ...] = ()
    translation: TranslationSettings = field(default_factory=TranslationSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)
    responses: ResponsesSettings = field(default_factory=ResponsesSettings)
    admin: AdminSettings = field(default_factory=AdminSettings)
    log: LogSettings = field(default_factory=LogSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)
    performance: PerformanceSettings = field(default_factory=PerformanceSettings)
    retired: RetiredSettings = field(default_factory=RetiredSettings)
    secret: Secret | None = None
    """The key of seals (`exchange/stored/seals.py`) and fingerprints; None: drawn at start."""

    @property
    def certificates(self) -> dict[tuple[str, ...], TlsSettings]:
        """The gateway's own certificates, by the place of each in the configuration."""
        shown: dict[tuple[str, ...], TlsSettings | None] = {("server", "tls"): self.server.tls}
        shown |= {("upstreams", each.name, "tls"): each.tls for each in self.upstreams}
        return {place: tls for place, tls in shown.items() if tls is not None}

    @property
    def bundles(self) -> dict[tuple[str, ...], str]:
        """The paths of upstreams' CA bundles, by the place of each in the configuration."""
        shown = {("upstreams", each.name, "verify"): each.verify for each in self.upstreams}
        return {place: path for place, path in shown.items() if isinstance(path, str)}

    def upstream(self, name: str) -> UpstreamSettings:
        """Return the upstream of that name; raises `KeyError`."""
        for upstream in self.upstreams:
            if upstream.name == name:
                return upstream
        raise KeyError(name)
