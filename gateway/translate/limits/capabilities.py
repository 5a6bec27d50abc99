"""What an upstream's endpoint understands, as translations need to know it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an upstream's endpoint understands, beyond what every endpoint does.

    The defaults are OpenAI's. Presets per server (`server_capabilities.py`) and quirks per model
    (`quirks.py`) are built on them.
    """

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    n: bool = True
    max_n: int | None = None
    stop: bool = True
    max_stops: int = 4
    names_stop: bool = False
    """A choice names the stop sequence that was found (`stop_reason`, `matched_stop`)."""
    seed: bool = True
    penalties: bool = True
    logit_bias: bool = True
    logprobs: bool = True
    max_top_logprobs: int = 20
    temperature: bool = True
    top_p: bool = True
    sampling_needs_effort_none: bool = False
    """Temperature and top_p are taken only together with the reasoning effort `none`."""
    several_greedy: bool = True
    """One call may ask for several choices at temperature 0."""
    reasoning_effort: bool = True
    efforts: frozenset[str] | None = None
    """The reasoning efforts that are taken; None: all, or unknown."""
    verbosity: bool = True
    """Other verbosities than `medium` are taken."""
    hints: bool = True
    """OpenAI's hints are taken: `prompt_cache_key`, `service_tier`."""
    prompt_list: bool = True
    """A completions request may have a list of prompts."""
    token_prompts: bool = True
    """A prompt may be a list of token ids."""
    stream_usage: bool = True
    may_stream_unasked: bool = False
    """A request without `stream: false` may be answered with a stream."""
    json_object: bool = True
    json_schema: bool = True
    reads_response_format: bool = False
    """The responses endpoint reads chat's `response_format`, and not its own `text.format`."""
    strict_by_default: bool = True
    """The responses endpoint makes a function's schema strict by default."""
    moderation: bool = True
    tools: bool = True
    custom_tools: bool = True
    allowed_tools: bool = True
    hosted_tools: frozenset[str] = frozenset()
    developer_role: bool = True
    multi_system: bool = True
    late_system: Literal["keep", "user"] = "keep"
    """A system message after the first user message: stays one, or becomes text of the user."""
    continues_last: bool = False
    """The model can continue the last message of the assistant (`continue_final_message`)."""
    roles_in_a_row: bool = True
    """Messages of one role may follow one another: the roles need not alternate."""
    tool_image_parts: bool = False
    reasoning: bool = False
    """The model spends output tokens on reasoning (a small limit can leave no text)."""
    reasoning_field: Literal["reasoning_content", "reasoning"] | None = None
    """The field in which the upstream reads earlier reasoning; None: only the one in which it sent
    it."""
    reasoning_required: bool = False
    """The upstream refuses an assistant's message with calls that has no `reasoning_content`."""
    takes_back: bool = True
    """Messages may have the extra fields that the server put into its own replies."""
    reasoning_items: bool = False
    """The responses endpoint takes the text of earlier reasoning as an item."""
    min_output_tokens: int = 0
    add_special_tokens: bool = False
    """The upstream takes vLLM's `add_special_tokens` on completions."""
    adds_bos: bool = True
    context_length: int | None = None
    unlimited_by_default: bool = False
    """A completions request without `max_tokens` runs to the end of the text (llama.cpp)."""
    one_call_at_a_time: bool = False
    """A stream is cut short by the next request (llama-cpp-python's `interrupt_requests`)."""
    strict_params: bool = True
    """The upstream refuses parameters it does not know (OpenAI, Azure)."""
    # What follows is about messages endpoints only.
    thinking: frozenset[str] = frozenset()
    """The types of `thinking` that are taken: `adaptive`, `enabled`, `disabled`, `between_tools`;
    empty: unknown."""
    max_output_tokens: int | None = None
    """The most tokens that the model generates, sent as the limit if the client sets none."""
    max_temperature: float = 2
    top_k: bool = False
    temperature_with_top_p: bool = True
    """`temperature` and `top_p` may both be set in one request."""
    forced_tools: bool = True
    """A call may be forced: `tool_choice` of `any` or `tool`."""
    strict_tools: bool = True
    """A function may be `strict`."""
    cache_auto: bool = False
    """The upstream is asked to cache what it can of each request (`cache: auto`)."""

    @property
    def system_role(self) -> Literal["developer", "system"]:
        """The role of instructions in chat; models that reason have a newer one."""
        return "developer" if self.developer_role and self.reasoning else "system"


TAKES_ALL = Capabilities(max_stops=0)
"""What is assumed of the endpoint that a request was made for: it takes everything.

The `max_stops` of 0 means that no limit is known, so the upstream applies its own.
"""
