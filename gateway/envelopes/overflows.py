"""Errors of servers for prompts that are too long for the model.

Clients that shorten a conversation and retry look for OpenAI's code, `context_length_exceeded`.
Texts are compared from their start, like those of refusals. Not among them are errors about rates
(Groq's "Request too large … tokens per minute", Bedrock's "Too many tokens, please wait") and those
about `max_tokens` alone.

Sources: the servers' code, and the issues of clients that look for such texts (pi#129,
opencode#17763, openclaw#58839, tabbyAPI#426, lmstudio-bug-tracker#1251, ik_llama.cpp#2051).
"""

import re

from gateway.envelopes.error_envelopes import ErrorDetails

CODE = "context_length_exceeded"

_WORDS = frozenset(
    {
        CODE,
        "context_length_exceeded_error",
        "context_window_exceeded",
        "exceed_context_size_error",  # llama.cpp
        "model_context_window_exceeded",  # Z.ai
        "model_max_prompt_tokens_exceeded",  # GitHub Copilot
        "too_many_prompt_tokens",  # Perplexity
        "too_many_tokens",  # Cohere
    }
)
_N = r"\(?~?[\d,]{1,12}(?: tokens)?\)?"
_GAP = r"(?:[^\n.'\"]|'s\b){0,80}?"
_SENTENCE = (
    r"(?:(?:Your|The) )?(?:\w+ )?(?:input|prompt|request|conversation|messages|"
    rf"(?:number of )?tokens?)\b{_GAP} "
    r"(?:exceed(?:s|ed)?|is (?:long|larg)er than|(?:is )?greater than|(?:is )?too (?:long|large))\b"
    rf"{_GAP}\b(?:context|max_seq_len|max_model_len|maximum (?:model|sequence) length)\b"
)
"""The sentence of most servers, about the length of the prompt and that of the context."""
_TEXTS = re.compile(
    "|".join(
        (
            _SENTENCE,
            # OpenAI, Azure, vLLM, SGLang, DeepSeek, OpenRouter, llama-cpp-python; xAI
            r"This (?:model|endpoint)(?:'s)? maximum (?:context|prompt) length is\b",
            rf"Input tokens exceed the configured limit of {_N} tokens",
            # SGLang, Together, vLLM
            rf"Input length {_N} exceeds (?:the )?(?:model's )?maximum allowed\b",
            rf"Input prompt {_N} is too long and exceeds limit of\b",
            rf"You passed {_N} input (?:tokens|characters) and requested {_N} output tokens\b",
            # llama.cpp: the context filled up during generation, or is too small for the prompt
            r"context shift is disabled",
            r"(?:the )?context (?:size|length|window|limit) (?:has been |was |is )?exceeded",
            r"context_length_exceeded\b",
            r"input is too large to process\. .{0,40}\bcontext shift\b",
            # Ollama
            r"prompt too long; exceeded (?:max )?context length",
            r"Multimodal prompt is too long\b",
            r"Request prompt exceeds the KV memory budget\b",
            # Text Generation Inference, Together
            r"(?:Input validation error: )?`inputs` tokens \+ `max_new_tokens` must be <=",
            r"(?:Input validation error: )?`inputs` must have less than",
            # LM Studio
            r"Trying to keep the first \d{1,12} tokens when context (?:the )?overflows",
            r"Reached context length of\b",
            r"Cannot truncate prompt with n_keep\b",
            r"n_keep: \d{1,12} {0,4}>= n_ctx: \d",
            r"Engine protocol predict stream returned an error: .{0,80}\bContext size has been ",
            # Anthropic, Fireworks, Bedrock
            r"(?:The )?prompt is too long(?:: |$)",
            r"input length and `max_tokens` exceed context limit",
            r"(?:The )?Input is too long(?: for (?:requested )?model\b|\.?$)",
            r"Input exceeds the max(?:imum)? input token limit",
            r"Input Tokens Exceeded",
            # Gemini
            rf"The input token count (?:{_N} )?exceeds the maximum number of tokens allowed",
            # Mistral, Groq, GitHub Copilot, Moonshot, MiniMax, Cohere, Perplexity, Z.ai, DashScope
            rf"Prompt contains {_N} tokens .{{0,40}}too large for model with\b",
            r"Please reduce the length of the messages or completion",
            rf"prompt token count of {_N} exceeds the limit of\b",
            r"(?:Invalid request: )?Your request exceeded model token limit",
            r"(?:invalid params, )?context window exceeds limit",
            r"too many tokens: (?:size limit exceeded by|total number of tokens in the prompt)\b",
            r"The total length of all messages is too long",
            r"Prompt exceeds max length",
            r"Prompt \u8d85\u957f",
            r"Range of input length should be \[",
            # SiliconFlow, Moonshot in 2024
            rf"length of prompt_tokens {_N} must be less than max_seq_len\b",
            r"model max length exceeded\b",
            # TabbyAPI, Cloudflare
            rf"Prompt too long: {_N} (?:tokens )?exceeds max",
            r"Job requires \d{1,12} pages \(only \d{1,12} available\)",
            r"The estimated number of input and maximum output tokens\b",
            # DeepInfra, TensorRT-LLM; Volcengine's Ark
            rf"(?:Requested input|Prompt) length {_N} exceeds maximum input length\b",
            r"The sum of prompt length \([\d.]{1,12}\),.{0,60} should not exceed max_num_tokens\b",
            r"(?:Total tokens of image and text|Messages) exceed max message tokens\b",
            # vLLM, where the prompt takes more than the context, and no limit was sent
            r"max_tokens must be at least ?1, got -\d",
        )
    ),
    re.IGNORECASE,
)


def overflow_message(reply: ErrorDetails) -> str | None:
    """Return the message of an error for a prompt that is too long; None: another error.

    Numbers that the upstream gives in separate fields are added to it.
    """
    named = {(reply.code or "").lower(), (reply.type or "").lower()}
    if not (reply.too_long or named & _WORDS or _TEXTS.match(reply.message)):
        return None
    counts = {"the prompt has": reply.prompt_tokens, "the context": reply.context}
    lacking = [
        f"{what} {count} tokens"
        for what, count in counts.items()
        if count is not None and str(count) not in reply.message
    ]
    if not lacking:
        return reply.message
    return f"{reply.message.rstrip('.')} ({', '.join(lacking)})."
