"""From the configuration as written to the configuration as used."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pydantic import BaseModel, SecretStr

from gateway import servers
from gateway.config.checks.addresses import credentials_apart, host_of, kind_of_host
from gateway.config.operator_settings import AdminSettings, LogSettings, TracingSettings
from gateway.config.schema.configuration import GatewayConfig
from gateway.config.schema.models import ModelConfig, TranslationConfig
from gateway.config.schema.tls import TlsConfig
from gateway.config.schema.upstreams import UpstreamConfig
from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    PerformanceSettings,
    RetiredSettings,
    ServerSettings,
    Settings,
    TimeoutSettings,
    TlsSettings,
    UpstreamSettings,
)
from gateway.config.store_settings import MemorySettings, ResponsesSettings
from gateway.config.translation_settings import ParamSettings, TranslationSettings
from gateway.shapes import CallTimeouts


def build(written: GatewayConfig) -> Settings:
    """Return the settings, with dependent defaults resolved and overrides applied."""
    translation = TranslationSettings(**_values(written.translation))
    return Settings(
        upstreams=tuple(
            _upstream(name, upstream, is_default=position == 0)
            for position, (name, upstream) in enumerate(written.upstreams.items())
        ),
        server=ServerSettings(
            **_values(written.server) | {"tls": _certificate(written.server.tls)}
        ),
        retired=RetiredSettings(redirect=tuple(written.retired.redirect.items())),
        models=tuple(_rule(pattern, rule, translation) for pattern, rule in written.models.items()),
        clients=tuple(ClientSettings(**_values(client)) for client in written.clients),
        translation=translation,
        memory=MemorySettings(**_with_credentials_apart(written.memory, "url")),
        responses=ResponsesSettings(**_with_credentials_apart(written.responses, "store")),
        admin=AdminSettings(**_values(written.admin)),
        log=LogSettings(**_values(written.log)),
        tracing=TracingSettings(
            **{**_values(written.tracing), "headers": _secrets(written.tracing.headers)}
        ),
        performance=PerformanceSettings(**_values(written.performance)),
        secret=_used(written.secret),
    )


def _values(model: BaseModel) -> dict[str, Any]:
    return {name: _used(getattr(model, name)) for name in type(model).model_fields}


def _with_credentials_apart(model: BaseModel, key: str) -> dict[str, Any]:
    values = _values(model)
    if values[key] is None:
        return values
    url, credentials = credentials_apart(values[key])
    return {**values, key: url, "credentials": Secret(credentials) if credentials else None}


def _used(value: Any) -> Any:
    return Secret(value.get_secret_value()) if isinstance(value, SecretStr) else value


def _secrets(headers: Mapping[str, SecretStr]) -> tuple[tuple[str, Secret], ...]:
    return tuple((name, Secret(value.get_secret_value())) for name, value in headers.items())


def _upstream(name: str, written: UpstreamConfig, *, is_default: bool) -> UpstreamSettings:
    values = _values(written)
    del values["api_key_file"]
    base_url, *further_urls = written.base_url
    kind = servers.profile(written.kind)
    if kind is servers.AUTO:
        kind = kind_of_host(host_of(base_url))
    return UpstreamSettings(
        **{
            **values,
            "name": name,
            "api_key": _used(written.key),
            "base_url": base_url,
            "further_urls": tuple(further_urls),
            "kind": kind,
            "credential": written.credential or _credential(written, is_default=is_default),
            "headers": _secrets(written.headers),
            "tls": _certificate(written.tls),
            "timeouts": TimeoutSettings(**_values(written.timeouts)),
        }
    )


def _certificate(written: TlsConfig | None) -> TlsSettings | None:
    return written.used() if written is not None else None


def _credential(written: UpstreamConfig, *, is_default: bool) -> CredentialPolicy:
    if written.key is not None:
        return CredentialPolicy.KEY
    # Other upstreams may belong to third parties, which must not see the caller's key.
    return CredentialPolicy.CALLER if is_default else CredentialPolicy.NONE


def _rule(pattern: str, written: ModelConfig, common: TranslationSettings) -> ModelRule:
    return ModelRule(
        pattern=pattern,
        model=written.model,
        upstream=written.upstream,
        endpoints=written.endpoint or (),
        template=written.template.used() if written.template is not None else None,
        reasoning_effort=written.reasoning_effort,
        translation=_overridden(written, common),
        timeouts=CallTimeouts(**_values(written.timeouts)) if written.timeouts else None,
        params=ParamSettings(**_values(written.params)) if written.params is not None else None,
    )


def _overridden(
    written: TranslationConfig, common: TranslationSettings
) -> TranslationSettings | None:
    known = {field.name for field in fields(TranslationSettings)}
    overrides: Mapping[str, Any] = {
        name: getattr(written, name) for name in sorted(written.model_fields_set & known)
    }
    return replace(common, **overrides) if overrides else None
