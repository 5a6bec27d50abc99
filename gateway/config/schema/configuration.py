"""The whole configuration as written: every key, its type, default and meaning.

The defaults are those of `settings`, the configuration as used. Editors and
docs/configuration.md show the descriptions.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from gateway.config.checks.problems import KeyPath
from gateway.config.schema import network_values, values
from gateway.config.schema.base import BaseConfig
from gateway.config.schema.models import (
    ModelConfig,
    RetiredConfig,
    TranslationConfig,
    short_model,
)
from gateway.config.schema.sections import (
    AdminConfig,
    ClientConfig,
    LogConfig,
    MemoryConfig,
    PerformanceConfig,
    ResponsesConfig,
    ServerConfig,
    TracingConfig,
)
from gateway.config.schema.upstreams import OPENAI_URL, UpstreamConfig


class GatewayConfig(BaseConfig):
    """The whole configuration; every key is optional."""

    server: ServerConfig = Field(
        default=ServerConfig(), description="The client-facing listener and its limits."
    )
    upstreams: dict[values.UpstreamName, UpstreamConfig] = Field(
        min_length=1,
        description="The servers, by name; the first is the default one. Absent: OpenAI, called "
        "with the caller's own key.",
    )
    models: dict[values.Pattern, Annotated[ModelConfig, BeforeValidator(short_model)]] = Field(
        default_factory=dict,
        description="Rules by model name or glob (`*`, `?`, `[…]`); the first that matches wins. "
        "A text instead of a mapping is the name sent upstream.",
    )
    retired: RetiredConfig = Field(
        default=RetiredConfig(),
        description="What happens to requests for retired models.",
    )
    clients: tuple[ClientConfig, ...] = Field(
        default=(), description="The gateway's own clients; empty: anyone."
    )
    translation: TranslationConfig = Field(
        default=TranslationConfig(), description="What a translation may do."
    )
    memory: MemoryConfig = Field(
        default=MemoryConfig(),
        description="What is remembered about models, and for how long.",
    )
    responses: ResponsesConfig = Field(
        default=ResponsesConfig(),
        description="Whether responses are kept for models that do not live at /v1/responses.",
    )
    admin: AdminConfig = Field(default=AdminConfig(), description="The operators' listener.")
    log: LogConfig = Field(default=LogConfig(), description="What goes to standard error.")
    tracing: TracingConfig = Field(
        default=TracingConfig(), description="Spans of requests, for an OpenTelemetry collector."
    )
    performance: PerformanceConfig = Field(
        default=PerformanceConfig(), description="Optimisations that can be turned off."
    )
    secret: network_values.ApiKey | None = Field(
        default=None,
        description="Key of two things: the seals of what clients keep and send back unread (a "
        "model's reasoning and signatures, compacted conversations), and the names of what "
        "gateways share in a store. At least 32 characters; the same for gateways that serve the "
        "same clients. Absent: drawn at start, so what was sealed before cannot be read. A secret.",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        # A section whose keys are all commented out reads as null.
        optional = {*cls.model_fields} - {"upstreams"}
        filled = {k: item for k, item in value.items() if item is not None or k not in optional}
        upstreams = filled.setdefault("upstreams", {"openai": {}})
        if isinstance(upstreams, dict) and "openai" in upstreams:
            openai = {} if upstreams["openai"] is None else upstreams["openai"]
            if isinstance(openai, dict):
                openai = {"base_url": OPENAI_URL, **openai}
            filled["upstreams"] = {**upstreams, "openai": openai}
        return filled


SECTIONS = tuple(GatewayConfig.model_fields)
"""The keys at the top level."""


def fields_at(path: KeyPath) -> Mapping[str, Any]:
    """Return the known keys of the mapping at `path`, each with its pydantic field.

    Empty unless the path leads to a mapping with keys of its own.
    """
    model: type[BaseModel] | None = GatewayConfig
    entry: type[BaseModel] | None = None
    for part in path:
        if entry is not None:
            model, entry = entry, None
            continue
        field = model.model_fields.get(str(part)) if model is not None else None
        model, entry = _inside(field.annotation) if field is not None else (None, None)
    return model.model_fields if model is not None and entry is None else {}


def key_paths(model: type[BaseModel] = GatewayConfig, start: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of every key; `*` stands for any name, 0 for any position in a list."""
    for name, field in model.model_fields.items():
        yield (*start, name)
        inner, entry = _inside(field.annotation)
        if inner is not None:
            yield from key_paths(inner, (*start, name))
        elif entry is not None:
            step: str | int = "*" if get_origin(field.annotation) is dict else 0
            yield from key_paths(entry, (*start, name, step))


def _inside(annotation: Any) -> tuple[type[BaseModel] | None, type[BaseModel] | None]:
    """Return the model that an annotation is, or that its entries are."""
    found = _model_in(annotation)
    if get_origin(annotation) in {dict, tuple}:
        return None, found
    return found, None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
