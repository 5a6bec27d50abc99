"""Prompts that are too long for the model: how the servers say so, each in its own words.

Clients that shorten a conversation and ask again look for OpenAI's code, `context_length_exceeded`.
Texts are compared from their start, like those of refusals. What is about rates (Groq's "Request
too large … tokens per minute", Bedrock's "Too many tokens, please wait") or about `max_tokens`
alone is none.
"""

import re

from gateway.envelopes.error_envelopes import ErrorReply

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
_N = r"\(?~?[\d,]{1,12}\)?"
_TEXTS = re.compile(
    "|".join(
        (
            # OpenAI, Azure, vLLM, SGLang, DeepSeek, OpenRouter, llama-cpp-python; xAI
            r"This (?:model|endpoint)(?:'s)? maximum (?:context|prompt) length is\b",
            r"(?:Your|The) input exceeds the context window of this model",
            rf"Input tokens exceed the configured limit of {_N} tokens",
            r"Requested token count exceeds the model's maximum context length",
            rf"Requested tokens {_N} exceed context window of\b",
            # vLLM before 0.9, SGLang, Together
            rf"The (?:\w+ )?prompt \((?:total )?length {_N}\) is longer than the maximum model",
            rf"The (?:\w+ )?prompt \((?:total )?length {_N}\) is too long to fit into the model",
            rf"(?:The )?input \({_N} tokens\) is longer than the model's context length",
            rf"Input length {_N} exceeds (?:the )?(?:model's )?maximum (?:context length|allowed)",
            # llama.cpp
            rf"(?:the )?request (?:\({_N} tokens\) )?exceeds the available context size",
            # Ollama
            r"prompt too long; exceeded (?:max )?context length",
            r"(?:the )?input length exceeds (?:the )?(?:maximum )?context length",
            # Text Generation Inference, Together
            r"(?:Input validation error: )?`inputs` tokens \+ `max_new_tokens` must be <=",
            r"(?:Input validation error: )?`inputs` must have less than",
            # LM Studio
            r"The number of tokens to keep from the initial prompt is greater than the context",
            r"Trying to keep the first \d{1,12} tokens when context (?:the )?overflows",
            r"Reached context length of\b",
            # Anthropic, Fireworks, Bedrock
            r"(?:The )?prompt is too long(?:: |$)",
            r"input length and `max_tokens` exceed context limit",
            r"Input is too long for requested model",
            r"(?:The model returned the following errors: )?Input Tokens Exceeded",
            # Gemini
            rf"The input token count (?:{_N} )?exceeds the maximum number of tokens allowed",
            # Mistral, Groq, GitHub Copilot, Moonshot, MiniMax, Cohere, Perplexity, Z.ai, DashScope
            rf"Prompt contains {_N} tokens .{{0,40}}too large for model with\b",
            r"Please reduce the length of the messages or completion",
            rf"prompt token count of {_N} exceeds the limit of\b",
            r"(?:Invalid request: )?Your request exceeded model token limit",
            r"(?:invalid params, )?context window exceeds limit",
            r"too many tokens: size limit exceeded by\b",
            r"The total length of all messages is too long",
            r"Prompt exceeds max length",
            r"Range of input length should be \[",
            rf"Prompt length {_N} is greater than max_seq_len",
            rf"Prompt too long: {_N} tokens exceeds max",
        )
    ),
    re.IGNORECASE,
)


def overflow_message(reply: ErrorReply) -> str | None:
    """Return the message of an error that says that a prompt is too long; None: it does not.

    The numbers are in it: those that the upstream gives in fields of their own are added.
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
