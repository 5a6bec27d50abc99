"""Settings that have no effect beside others, or that nobody can mean: warnings.

Only values that differ from their defaults are looked at: they were written.
"""

from collections.abc import Iterator, Mapping

from gateway.config.checks.addresses import path_of
from gateway.config.checks.problems import alternatives, show_key, show_path
from gateway.config.checks.safety import is_encrypted
from gateway.config.operator_settings import TracingSettings
from gateway.config.settings import CredentialPolicy, ModelRule, Settings, UpstreamSettings
from gateway.config.store_settings import ResponsesSettings, is_redis
from gateway.config.translation_settings import TemplateSettings, TranslationSettings
from gateway.headers import CREDENTIAL_HEADERS, LIST_HEADERS
from gateway.shapes import Shape

_OF_TEMPLATES = {
    "prefix": "finetune",
    "separator": "finetune",
    "bos_token": "jinja",
    "eos_token": "jinja",
}
"""Keys that only one kind of template uses, and that kind."""
_ALL = frozenset(Shape)
_HOMES: Mapping[str, frozenset[Shape]] = {
    "template": frozenset({Shape.COMPLETIONS}),
    "transcript_indent": frozenset({Shape.COMPLETIONS}),
    "escape_special": frozenset({Shape.COMPLETIONS}),
    "default_completion_max_tokens": frozenset({Shape.COMPLETIONS}),
    "default_messages_max_tokens": frozenset({Shape.MESSAGES}),
    "reasoning_out": frozenset({Shape.RESPONSES, Shape.MESSAGES}),
    "reasoning_item": _ALL - {Shape.RESPONSES},
    "reasoning_headroom_tokens": _ALL - {Shape.COMPLETIONS},
    "completion_system_prompt": _ALL - {Shape.COMPLETIONS},
    "text_offset_base": _ALL - {Shape.COMPLETIONS},
}
"""The endpoints at which a model must live for a setting of its rule to matter."""
_USUAL = UpstreamSettings("", "")
_MOST_IN_REDIS = 32 * 1024 * 1024
"""The most bytes of a response that is stored in Redis."""


def without_effect(settings: Settings) -> Iterator[str]:
    """Yield a sentence for every such setting."""
    for upstream in settings.upstreams:
        key = show_path(("upstreams", upstream.name))
        yield from (f"{key}.{text}" for text in _of_upstream(upstream))
    for rule in settings.models:
        key = show_path(("models", rule.pattern))
        yield from (f"{key}.{text}" for text in _of_template(rule.template))
        yield from (f"{key}.{text}" for text in _of_endpoints(rule, settings))
    yield from _of_clients(settings)
    yield from _of_stores(settings.responses)
    tracing, untraced = settings.tracing, TracingSettings()
    for name in ("headers", "sample_ratio"):
        if tracing.endpoint is None and getattr(tracing, name) != getattr(untraced, name):
            yield f"tracing.{name}: has no effect without tracing.endpoint"


def _of_upstream(upstream: UpstreamSettings) -> Iterator[str]:
    encrypted = is_encrypted(upstream)
    for name in ("http2", "tls"):
        if getattr(upstream, name) and not encrypted:
            yield f"{name}: has no effect without TLS (https://)"
    if isinstance(upstream.verify, str) and not encrypted and upstream.proxy is None:
        yield "verify: has no effect without TLS (https://)"
    if upstream.websockets == "always" and upstream.proxy is not None:
        yield "websockets: has no effect with a proxy, through which none is opened"
    if upstream.cache is not None and _lacks(upstream, Shape.MESSAGES):
        yield (
            f"cache: has no effect, since kind {upstream.kind.name} has no messages endpoint; "
            "name one with messages_url"
        )
    yield from _of_azure(upstream)
    fixed = {name for name, _ in upstream.headers}
    own = sorted(name for name in fixed if name.encode() in CREDENTIAL_HEADERS)
    if own and upstream.credential is CredentialPolicy.KEY:
        yield f"api_key: is not sent, since headers.{own[0]} takes its place; remove one of the two"
    for name in upstream.forward_headers:
        if name in fixed and name.encode() not in LIST_HEADERS:
            yield f"forward_headers: {name} is not forwarded, since headers has it, too"


def _of_azure(upstream: UpstreamSettings) -> Iterator[str]:
    if upstream.api_version == _USUAL.api_version:
        return
    if not upstream.kind.deployments:
        yield "api_version: has an effect only with kind: azure"
    elif all(path_of(url).endswith("/openai/v1") for url in upstream.base_urls):
        yield "api_version: has no effect at a base_url that ends in /openai/v1"


def _of_template(template: TemplateSettings | None) -> Iterator[str]:
    if template is None:
        return
    usual = TemplateSettings(template.name)
    for name, kind in _OF_TEMPLATES.items():
        if template.name != kind and getattr(template, name) != getattr(usual, name):
            yield f"template.{name}: is for the template {kind}, and this is {template.name}"


def _of_endpoints(rule: ModelRule, settings: Settings) -> Iterator[str]:
    endpoints = frozenset(rule.endpoints)
    if not endpoints:
        return
    for name, homes in _HOMES.items():
        if not endpoints & homes and _is_written(rule, name, settings.translation):
            named = alternatives([shape.value for shape in Shape if shape in homes])
            yield f"{name}: is only for models at {named}, and endpoint names none of these"
    places = settings.upstreams if len(settings.upstreams) == 1 else ()
    if rule.upstream is not None:
        places = (settings.upstream(rule.upstream),)
    for upstream in places:
        if all(_lacks(upstream, shape) for shape in endpoints):
            yield (
                f"endpoint: upstream {show_key(upstream.name)} has none of these: it is of kind "
                f"{upstream.kind.name}"
            )


def _is_written(rule: ModelRule, name: str, common: TranslationSettings) -> bool:
    """Whether a rule has the setting, with another value than other models have."""
    if name == "template":
        return rule.template is not None
    own = rule.translation
    return own is not None and getattr(own, name) not in (None, getattr(common, name))


def _lacks(upstream: UpstreamSettings, shape: Shape) -> bool:
    elsewhere = shape is Shape.MESSAGES and upstream.messages_url is not None
    return shape in upstream.kind.lacks and not elsewhere


def _of_clients(settings: Settings) -> Iterator[str]:
    for client in settings.clients:
        key = f"clients.{show_key(client.name)}.models"
        if not client.models:
            yield f"{key}: is empty, so this client may use no model; remove it for all models"
        elif "*" in client.models and len(client.models) > 1:
            yield f"{key}: has other patterns beside *, which matches every model"


def _of_stores(responses: ResponsesSettings) -> Iterator[str]:
    usual, store = ResponsesSettings(), responses.store
    for name in ("ttl", "max_bytes"):
        if store is None and getattr(responses, name) != getattr(usual, name):
            yield f"responses.{name}: has no effect without responses.store"
    if (
        is_redis(store)
        and responses.max_bytes > _MOST_IN_REDIS
        and responses.max_bytes != usual.max_bytes
    ):
        yield (
            "responses.max_bytes: is the limit of one response in Redis, 32 MiB at most; Redis "
            "bounds their sum by its own maxmemory"
        )
