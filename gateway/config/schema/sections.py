"""The sections about the gateway itself: listeners, clients, memory, responses, logs."""

from typing import Literal

from pydantic import Field

from gateway.config.operator_settings import AdminSettings, LogSettings, TracingSettings
from gateway.config.schema import file_values, network_values, values
from gateway.config.schema.base import BaseConfig
from gateway.config.schema.tls import TlsConfig
from gateway.config.schema.values import Bytes, Count, Port, Seconds, SecondsOrZero
from gateway.config.settings import PerformanceSettings, ServerSettings
from gateway.config.store_settings import MemorySettings, ResponsesSettings

_SERVER = ServerSettings()
_MEMORY = MemorySettings()
_RESPONSES = ResponsesSettings()
_ADMIN = AdminSettings()
_LOG = LogSettings()
_TRACING = TracingSettings()
_PERFORMANCE = PerformanceSettings()


class ServerConfig(BaseConfig):
    """The client-facing listener and its limits."""

    host: network_values.ListeningHost = Field(
        default=_SERVER.host,
        description="Address to listen on; `0.0.0.0` or `::` for every interface.",
    )
    port: Port = Field(default=_SERVER.port, description="Port to listen on; 0 takes any free one.")
    workers: values.Processes = Field(
        default=_SERVER.workers,
        description=f"Number of processes, one per processor core; at most {values.MAX_PROCESSES}.",
    )
    allow_anonymous: values.Flag = Field(
        default=_SERVER.allow_anonymous,
        description="Start even if anyone who reaches the gateway can spend its upstream keys: "
        "listening beyond loopback, with upstream keys, without `clients`.",
    )
    allowed_hosts: tuple[network_values.AllowedHost, ...] = Field(
        default=_SERVER.allowed_hosts,
        description="Host names that a request's Host header may carry; empty: any.",
    )
    cors_origins: network_values.CorsOrigins = Field(
        default=_SERVER.cors_origins,
        description="Origins of web pages that may call the gateway: `https://app.example.com`, "
        "`https://*.example.com` for all subdomains, or `*` for any; empty: none.",
    )
    tls: TlsConfig | None = Field(default=TlsConfig(), description="TLS for clients.")
    max_body_bytes: Bytes = Field(
        default=_SERVER.max_body_bytes,
        description="Largest request body at the generation endpoints.",
    )
    max_upload_bytes: Bytes = Field(
        default=_SERVER.max_upload_bytes,
        description="Largest request body that is passed through as a stream, as a file upload is.",
    )
    body_idle_timeout: Seconds = Field(
        default=_SERVER.body_idle_timeout,
        description="Seconds without a byte after which an unfinished request is abandoned.",
    )
    send_timeout: Seconds = Field(
        default=_SERVER.send_timeout,
        description="Seconds that a client may leave its reply unread before it is disconnected.",
    )
    grace_period: SecondsOrZero = Field(
        default=_SERVER.grace_period,
        description="Seconds that open requests have to finish at shutdown.",
    )
    first_byte_grace: Seconds = Field(
        default=_SERVER.first_byte_grace,
        description="Seconds without an event after which a stream sends its status, and a "
        "translated one keep-alive comments.",
    )
    keepalive_interval: Seconds = Field(
        default=_SERVER.keepalive_interval, description="Seconds between two keep-alive comments."
    )
    watch: values.Flag = Field(
        default=_SERVER.watch,
        description="Reload when a file of the configuration changes: this one, a secret's, a "
        "template's. SIGHUP and `gateway reload` always do.",
    )


class ClientConfig(BaseConfig):
    """One of the gateway's own clients."""

    name: values.ClientName = Field(description="Its name in logs and metrics.")
    key_sha256: values.KeyDigests = Field(
        description="SHA-256 of its key in hexadecimal, as `gateway key new` prints it, or a list "
        "of several: the old key's and the new one's, while a key is being replaced."
    )
    models: tuple[values.Pattern, ...] = Field(
        default=("*",), description="Patterns of the model names that it may ask for."
    )
    max_concurrency: Count | None = Field(
        default=None,
        description="Its concurrent requests per worker, at most, streams included; more "
        "get 429 with `retry-after: 1`. Absent: no limit.",
    )


class MemoryConfig(BaseConfig):
    """What is remembered about models, and for how long."""

    url: file_values.MemoryUrl = Field(
        default=_MEMORY.url,
        repr=False,
        description="Where learned endpoints and corrected parameters are remembered: `memory://`, "
        "in the process; `sqlite:///path`, also for its workers and after a restart; "
        "`redis://[user:password@]host:6379/0` (`rediss://` with TLS), also for other gateways. "
        "The last two need `secret`.",
    )
    ttl: Seconds = Field(default=_MEMORY.ttl, description="Seconds that a finding is remembered.")
    negative_ttl: Seconds = Field(
        default=_MEMORY.negative_ttl,
        description="Seconds that the absence of a model is remembered.",
    )
    max_entries: Count = Field(
        default=_MEMORY.max_entries, description="Findings to remember, at most."
    )


class ResponsesConfig(BaseConfig):
    """Whether responses are kept for models that do not live at /v1/responses."""

    store: file_values.ResponseStoreUrl | None = Field(
        default=_RESPONSES.store,
        repr=False,
        description="Where responses are kept for `previous_response_id`: `memory://`, "
        "`sqlite:///path`, or `redis://[user:password@]host:6379/0` (`rediss://` with TLS), which "
        "needs `secret`; null: nowhere.",
    )
    ttl: Seconds = Field(default=_RESPONSES.ttl, description="Seconds that a response is kept.")
    max_bytes: Bytes = Field(
        default=_RESPONSES.max_bytes,
        description="Bytes to keep, at most; the oldest make room. In Redis: of one response, and "
        "32 MiB at most.",
    )


class AdminConfig(BaseConfig):
    """The operators' listener."""

    enabled: values.Flag = Field(default=_ADMIN.enabled, description="Whether it is started.")
    host: network_values.ListeningHost = Field(
        default=_ADMIN.host, description="Address to listen on."
    )
    port: Port = Field(default=_ADMIN.port, description="Port to listen on; 0 takes any free one.")
    token: network_values.ApiKey | None = Field(
        default=None,
        description="Bearer token that it requires; required beyond loopback, with at least 16 "
        "characters. A secret.",
    )
    allowed_hosts: tuple[network_values.AllowedHost, ...] = Field(
        default=_ADMIN.allowed_hosts,
        description="Host names that a request's Host header may carry besides those of this "
        "machine and `admin.host`.",
    )
    tls: values.Flag = Field(
        default=_ADMIN.tls,
        description="Whether it speaks TLS, with the certificate of `server.tls`.",
    )


class LogConfig(BaseConfig):
    """What goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default=_LOG.level, description="The lowest level that is written."
    )
    format: Literal["text", "json"] = Field(
        default=_LOG.format, description="For people or machines."
    )
    requests: values.Flag = Field(
        default=_LOG.requests,
        description="Write a line for each finished request, whatever the `level`.",
    )


class TracingConfig(BaseConfig):
    """Spans of requests, for an OpenTelemetry collector."""

    endpoint: network_values.CollectorUrl | None = Field(
        default=_TRACING.endpoint,
        description="Base URL of a collector that takes OTLP over HTTP, to which `/v1/traces` is "
        "added; null: nothing is traced. Needs `endpoint-gateway[otel]`.",
    )
    headers: network_values.Headers = Field(
        default_factory=dict,
        description="Fixed header fields of requests to the collector. Secrets.",
    )
    sample_ratio: values.Ratio = Field(
        default=_TRACING.sample_ratio,
        description="Share of traces to record, from 0 to 1, of those that begin here; for others, "
        "the caller's `traceparent` decides.",
    )


class PerformanceConfig(BaseConfig):
    """Optimisations that can be turned off."""

    fast_paths: values.Flag = Field(
        default=_PERFORMANCE.fast_paths,
        description="Translate common requests, replies and streamed text by fast paths. Replies "
        "are the same without them; turn them off to see whether one is at fault.",
    )
