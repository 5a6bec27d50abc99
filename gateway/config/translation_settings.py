"""What translations may do, and how messages become one prompt, as used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

OnUnsupported = Literal["refuse", "drop"]
HostedTools = Literal["auto", "refuse", "drop"]
LateSystem = Literal["auto", "keep", "user", "hoist"]


@dataclass(frozen=True, slots=True)
class TemplateSettings:
    """How messages become one prompt, for a model without a chat endpoint."""

    name: str
    """`raw`, `transcript`, `human_ai`, `finetune`, `chatml` or `jinja`."""
    path: str | None = None
    """The Jinja file of `jinja`."""
    source: str | None = field(default=None, repr=False)
    """The Jinja file's text, read at start."""
    prefix: str = ""
    separator: str = "\n\n###\n\n"
    stop: tuple[str, ...] = ()
    bos_token: str = ""
    eos_token: str = ""


@dataclass(frozen=True, slots=True)
class TranslationSettings:
    """What a translation may do; every key can be overridden per model."""

    on_unsupported: OnUnsupported = "refuse"
    hosted_tools: HostedTools = "auto"
    """`auto`: drop those that are merely offered, refuse those that the request needs."""
    extra_params: Literal["auto", "pass", "drop", "refuse"] = "auto"
    """Parameters outside OpenAI's; `auto`: refuse towards OpenAI and Azure, pass elsewhere."""
    echo_model: Literal["requested", "upstream"] = "requested"
    text_offset_base: Literal["prompt", "text"] = "prompt"
    reasoning_out: Literal["reasoning_content", "reasoning", "both", "none"] = "reasoning_content"
    reasoning_item: Literal["auto", "text", "summary", "drop"] = "auto"
    late_system: LateSystem = "auto"
    """What becomes of system messages within a conversation; `auto`: what the server accepts."""
    max_fanout: int = 256
    fanout_concurrency: int = 8
    default_completion_max_tokens: int = 1024
    """Sent to a completions endpoint for a chat request that has no limit."""
    default_messages_max_tokens: int = 4096
    """Sent to a messages endpoint for a request without a limit, if the model's own is unknown."""
    reasoning_headroom_tokens: int = 0
    """Added to a completions client's `max_tokens` towards a reasoning model."""
    completion_system_prompt: str | None = None
    escape_special: bool = True
    transcript_indent: bool = False
    tokenizer: str | None = None
    """A tiktoken encoding (`cl100k_base`) for prompts given as token ids."""


@dataclass(frozen=True, slots=True)
class ParamSettings:
    """What a rule changes in clients' requests. Values are JSON."""

    set: Mapping[str, Any] = field(default_factory=dict)
    """What is sent, whatever the client gives."""
    default: Mapping[str, Any] = field(default_factory=dict)
    """What is sent where the client gives none."""
    drop: tuple[str, ...] = ()
    """What is not sent; nested parameters are dotted: `reasoning.summary`."""
