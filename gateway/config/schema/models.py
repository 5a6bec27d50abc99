"""`translation:`, the rules under `models:`, and the redirects of retired models."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, model_validator

from gateway.config.checks.problems import InvalidValue
from gateway.config.schema import file_values, params, values
from gateway.config.schema.base import BaseConfig, context_of
from gateway.config.schema.values import Count, CountOrZero, Name, Seconds
from gateway.config.translation_settings import (
    HostedTools,
    LateSystem,
    OnUnsupported,
    TemplateSettings,
    TranslationSettings,
)

_TEMPLATE = TemplateSettings("")
_TRANSLATION = TranslationSettings()

TemplateName = Literal["raw", "transcript", "human_ai", "finetune", "chatml", "jinja"]


class TemplateConfig(BaseConfig):
    """How messages become one prompt, for a model that has no chat endpoint."""

    name: TemplateName = Field(description="The template; `jinja` reads the file at `path`.")
    path: Name | None = Field(
        default=None, description="Jinja file of the template `jinja`, relative to this file."
    )
    prefix: str = Field(default=_TEMPLATE.prefix, description="`finetune`: text before the prompt.")
    separator: str = Field(
        default=_TEMPLATE.separator, description="`finetune`: text between prompt and completion."
    )
    stop: values.StopSequences = Field(
        default=_TEMPLATE.stop,
        description="Stop sequences besides the template's own; `finetune` has ` END` only "
        "without them.",
    )
    bos_token: str = Field(
        default=_TEMPLATE.bos_token, description="`jinja`: the variable `bos_token`."
    )
    eos_token: str = Field(
        default=_TEMPLATE.eos_token,
        description="`jinja`: the variable `eos_token`, a stop sequence too.",
    )
    _file: str | None = PrivateAttr(None)
    _source: str | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _path_means_jinja(cls, value: Any) -> Any:
        if isinstance(value, dict) and "name" not in value and "path" in value:
            return {**value, "name": "jinja"}
        return value

    @model_validator(mode="after")
    def _read_file(self, info: ValidationInfo) -> "TemplateConfig":
        if (self.name == "jinja") != (self.path is not None):
            raise InvalidValue("needs a path for the template jinja, and for no other")
        if self.path is not None:
            files = context_of(info).files
            self._file = str(files.folder / self.path)
            self._source = file_values.read_template(self.path, files)
        return self

    def used(self) -> TemplateSettings:
        """Return the template as used, its file read."""
        written = {key: getattr(self, key) for key in type(self).model_fields if key != "path"}
        return TemplateSettings(path=self._file, source=self._source, **written)


class TranslationConfig(BaseConfig):
    """What a translation may do."""

    on_unsupported: OnUnsupported = Field(
        default=_TRANSLATION.on_unsupported,
        description="A parameter without equivalent: `refuse` the request, or `drop` and report.",
    )
    hosted_tools: HostedTools = Field(
        default=_TRANSLATION.hosted_tools,
        description="OpenAI's hosted tools where the model has none: `refuse` or `drop` them all; "
        "`auto`: drop and report those merely offered, refuse those that `tool_choice` demands.",
    )
    extra_params: Literal["auto", "pass", "drop", "refuse"] = Field(
        default=_TRANSLATION.extra_params,
        description="Parameters outside OpenAI's; `auto`: refuse towards OpenAI and Azure, pass "
        "elsewhere.",
    )
    echo_model: Literal["requested", "upstream"] = Field(
        default=_TRANSLATION.echo_model,
        description="`model` in a translated reply: the name asked for, or the upstream's.",
    )
    text_offset_base: Literal["prompt", "text"] = Field(
        default=_TRANSLATION.text_offset_base,
        description="What `text_offset` of completions logprobs counts from: the start of the "
        "prompt, or of the returned text.",
    )
    reasoning_out: Literal["reasoning_content", "reasoning", "both", "none"] = Field(
        default=_TRANSLATION.reasoning_out,
        description="The field in which a chat client gets a responses model's reasoning.",
    )
    reasoning_item: Literal["auto", "text", "summary", "drop"] = Field(
        default=_TRANSLATION.reasoning_item,
        description="How a responses client gets a chat model's reasoning.",
    )
    late_system: LateSystem = Field(
        default=_TRANSLATION.late_system,
        description="System messages within a conversation, from and to `/v1/messages`: keep their "
        "place, become the user's, or move to the front.",
    )
    max_fanout: values.Calls = Field(
        default=_TRANSLATION.max_fanout,
        description="Upstream calls for one request (a list of prompts, `n`), at most.",
    )
    fanout_concurrency: values.Calls = Field(
        default=_TRANSLATION.fanout_concurrency,
        description="Those calls at the same time, at most.",
    )
    default_completion_max_tokens: Count = Field(
        default=_TRANSLATION.default_completion_max_tokens,
        description="`max_tokens` sent to a completions endpoint for a chat or responses request "
        "without a limit.",
    )
    default_messages_max_tokens: Count = Field(
        default=_TRANSLATION.default_messages_max_tokens,
        description="`max_tokens` sent to a messages endpoint for a request without a limit, if "
        "the model's maximum is unknown.",
    )
    reasoning_headroom_tokens: CountOrZero = Field(
        default=_TRANSLATION.reasoning_headroom_tokens,
        description="Added to a completions client's `max_tokens` towards a reasoning model.",
    )
    completion_system_prompt: str | None = Field(
        default=_TRANSLATION.completion_system_prompt,
        description="System message sent with a completions prompt to a chat model.",
    )
    escape_special: values.Flag = Field(
        default=_TRANSLATION.escape_special,
        description="Break up special tokens (`<|im_end|>`) in message texts of a template.",
    )
    transcript_indent: values.Flag = Field(
        default=_TRANSLATION.transcript_indent,
        description="`transcript`: indent all but the first line of a user's text, so that none "
        "can pass for another turn.",
    )
    tokenizer: Name | None = Field(
        default=_TRANSLATION.tokenizer,
        description="tiktoken encoding of clients' token ids, such as `cl100k_base`.",
    )


class CallTimeoutsConfig(BaseConfig):
    """How long the phases of a model's calls may take, instead of its upstream's `timeouts`."""

    queue: Seconds | None = Field(
        default=None, description="As `upstreams.NAME.timeouts.queue`, for this model."
    )
    first_byte: Seconds | None = Field(
        default=None, description="As `upstreams.NAME.timeouts.first_byte`, for this model."
    )
    stream_idle: Seconds | None = Field(
        default=None, description="As `upstreams.NAME.timeouts.stream_idle`, for this model."
    )


class ParamsConfig(BaseConfig):
    """What is changed in the requests of clients for a model."""

    set: params.Values = Field(
        default_factory=dict,
        description="Parameters that are sent with these values, whatever the client gives; "
        "objects are merged: `{reasoning: {effort: low}}` leaves other keys of `reasoning` alone.",
    )
    default: params.Values = Field(
        default_factory=dict, description="Parameters for clients that give none."
    )
    drop: params.Paths = Field(
        default=(),
        description="Parameters that are not sent; nested ones are dotted: `reasoning.summary`.",
    )


def _short_template(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else _mapping(value, "a template's name")


def _mapping(value: Any, short: str) -> Any:
    if not isinstance(value, dict):
        advice = "put the name in quotes" if isinstance(value, bool | int | float) else ""
        raise InvalidValue(f"must be {short} or a mapping", advice)
    return value


class ModelConfig(TranslationConfig):
    """One rule under `models:`; its translation keys override the global ones."""

    model: Name | None = Field(
        default=None,
        description="The name sent upstream; absent: the name asked for. Where NAME has one `*`, a "
        '`*` here is what that matched: `"openai/*": {model: "*"}` sends `openai/gpt-4.1` as '
        "`gpt-4.1`.",
    )
    upstream: values.UpstreamReference | None = Field(
        default=None,
        description="The upstream it lives at; absent: the first one whose model list has it, else "
        "the first one.",
    )
    endpoint: values.Endpoints | None = Field(
        default=None,
        description="Where it lives: `completions`, `chat`, `responses`, `messages` or a list of "
        "these; absent: the gateway finds out.",
    )
    template: Annotated[TemplateConfig, BeforeValidator(_short_template)] | None = Field(
        default=None,
        description="How messages become a prompt: a template's name, or a mapping as below.",
    )
    reasoning_effort: Name | None = Field(
        default=None, description="Sent with translated requests that set none."
    )
    timeouts: CallTimeoutsConfig | None = Field(
        default=None, description="Timeouts of its calls, instead of the upstream's."
    )
    params: ParamsConfig | None = Field(
        default=None, description="Parameters of clients' requests to set, fill in or drop."
    )


class RetiredConfig(BaseConfig):
    """What happens to requests for retired models."""

    redirect: dict[Name, Name] = Field(
        default_factory=dict,
        description="Retired name to the name that is served instead: that of a rule under "
        "`models`, or of a model; every reply names the substitution in `x-gateway-warning`.",
    )


def short_model(value: Any) -> Any:
    """Return the long form of a rule: a text is the name sent upstream."""
    return {"model": value} if isinstance(value, str) else _mapping(value, "a model's name")
