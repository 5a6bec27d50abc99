"""One entry under `upstreams:`."""

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from gateway import servers
from gateway.config.checks.addresses import host_of, kind_of_host
from gateway.config.checks.problems import InvalidValue
from gateway.config.schema import file_values, network_values, values
from gateway.config.schema.base import BaseConfig
from gateway.config.schema.tls import ClientTlsConfig
from gateway.config.schema.values import Count, Seconds, SecondsOrZero
from gateway.config.settings import CredentialPolicy, TimeoutSettings, UpstreamSettings

OPENAI_URL = "https://api.openai.com/v1"

_TIMEOUTS = TimeoutSettings()
_UPSTREAM = UpstreamSettings("", "")


class TimeoutsConfig(BaseConfig):
    """How long each phase of an upstream call may take, in seconds."""

    connect: Seconds = Field(
        default=_TIMEOUTS.connect, description="Seconds to connect, TLS included."
    )
    queue: Seconds = Field(
        default=_TIMEOUTS.queue, description="Seconds to wait for a place in the connection pool."
    )
    first_byte: Seconds = Field(
        default=_TIMEOUTS.first_byte,
        description="Seconds from the request to the head of the reply.",
    )
    stream_idle: Seconds = Field(
        default=_TIMEOUTS.stream_idle,
        description="Seconds without a byte after which a reply is abandoned.",
    )
    metadata: Seconds = Field(
        default=_TIMEOUTS.metadata,
        description="Seconds for a look-up of a model (lists, job records) before a request.",
    )


class UpstreamConfig(BaseConfig):
    """One OpenAI-compatible server."""

    base_url: network_values.BaseUrls = Field(
        description="The URL before `/chat/completions`; for Azure the resource, "
        "`https://NAME.openai.azure.com`. Or a list of them: servers of the same software with the "
        "same models. Required, except for an upstream called `openai`: "
        f"`{OPENAI_URL}`."
    )
    messages_url: network_values.BaseUrl | None = Field(
        default=_UPSTREAM.messages_url,
        description="The URL before `/messages`, where a server has its Anthropic-style API "
        "elsewhere: `https://api.deepseek.com/anthropic/v1`.",
    )
    cache: Literal["auto"] | None = Field(
        default=_UPSTREAM.cache,
        description="`auto`: ask for the caching of what can be cached, in requests of OpenAI's "
        "clients to its messages endpoint.",
    )
    websockets: Literal["auto", "always", "never"] = Field(
        default=_UPSTREAM.websockets,
        description="Whether turns on clients' WebSockets at `/v1/responses` are passed on to its "
        "own (`always`, `never`); `auto`: where its kind has them. All others go over HTTP.",
    )
    kind: values.UpstreamKind = Field(
        default=servers.AUTO.name,
        description="The software it runs; `auto`: recognised by its host or its replies.",
    )
    api_version: network_values.AzureVersion = Field(
        default=_UPSTREAM.api_version,
        description="Azure's `api-version` for requests whose client sends none; for Azure only.",
    )
    api_key: network_values.ApiKey | None = Field(
        default=None, description="The gateway's own key for it."
    )
    api_key_file: file_values.KeyFile | None = Field(
        default=None,
        description="A file with that key instead, such as a mounted secret; read again at a "
        "reload.",
    )
    credential: CredentialPolicy | None = Field(
        default=None,
        description="Whose credential it gets: `key` (`api_key`), `caller` (the caller's own, "
        "forwarded) or `none`. Absent: `key` with an `api_key`; without one `caller` for the "
        "first upstream and `none` for the others.",
    )
    headers: network_values.Headers = Field(
        default_factory=dict, description="Fixed request headers; their values are secrets."
    )
    forward_headers: tuple[network_values.ForwardedHeader, ...] = Field(
        default=_UPSTREAM.forward_headers,
        description="Names of client headers to forward besides the usual ones.",
    )
    model_header: network_values.OwnHeader | None = Field(
        default=_UPSTREAM.model_header,
        description="Name of a request header with the model as sent, such as `x-gateway-model`, "
        "for servers in between that route by it; absent: none.",
    )
    timeouts: TimeoutsConfig = Field(
        default=TimeoutsConfig(), description="How long each phase may take."
    )
    max_connections: Count = Field(
        default=_UPSTREAM.max_connections,
        description="Connections to each address at a time, per worker, at most.",
    )
    keepalive_expiry: SecondsOrZero = Field(
        default=_UPSTREAM.keepalive_expiry,
        description="Seconds after which an idle connection is not used again; keep it below "
        "the server's own limit.",
    )
    max_connection_age: Seconds = Field(
        default=_UPSTREAM.max_connection_age,
        description="Seconds after which a connection is replaced, so that DNS changes arrive.",
    )
    http2: values.Flag = Field(
        default=_UPSTREAM.http2, description="Speak HTTP/2 where the server offers it."
    )
    proxy: network_values.ProxyUrl | None = Field(
        default=None, description="Forward proxy, `http://[user:password@]host:port`. A secret."
    )
    verify: file_values.Verify = Field(
        default=_UPSTREAM.verify,
        description="TLS verification: on, off, or the path of a CA bundle.",
    )
    tls: ClientTlsConfig | None = Field(
        default=ClientTlsConfig(), description="The gateway's own certificate for it."
    )

    @property
    def key(self) -> SecretStr | None:
        """The gateway's own key, wherever it is written."""
        return self.api_key if self.api_key is not None else self.api_key_file

    @model_validator(mode="after")
    def _addresses_are_alike(self) -> "UpstreamConfig":
        kinds = {kind_of_host(host_of(url)) for url in self.base_url}
        if self.kind == servers.AUTO.name and len(kinds) > 1:
            raise InvalidValue(
                "has addresses of different services", "set kind, or make several upstreams"
            )
        return self

    @model_validator(mode="after")
    def _credential_fits_key(self) -> "UpstreamConfig":
        if self.api_key is not None and self.api_key_file is not None:
            raise InvalidValue("has an api_key and an api_key_file", "remove one of the two")
        if self.credential == CredentialPolicy.KEY and self.key is None:
            raise InvalidValue("has credential: key, but no api_key", "set api_key")
        if self.model_header in {*self.headers, *self.forward_headers}:
            raise InvalidValue(
                "has a model_header that headers or forward_headers name, too", "remove one of them"
            )
        if self.credential not in {None, CredentialPolicy.KEY} and self.key is not None:
            raise InvalidValue(
                f"has an api_key, but credential: {self.credential} never uses it",
                "remove one of the two",
            )
        return self
