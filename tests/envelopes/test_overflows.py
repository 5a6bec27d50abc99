"""Prompts that are too long, in the words of every server, and what only sounds like one."""

import json
from typing import Any

import pytest

from gateway.envelopes.error_envelopes import read_error
from gateway.envelopes.overflows import overflow_message

TOO_LONG = [
    # OpenAI, Azure, llama-cpp-python
    "This model's maximum context length is 4097 tokens, however you requested 5000 tokens (1000",
    "This model's maximum context length is 128000 tokens. However, your messages resulted in",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000",
    "Requested tokens (2300) exceed context window of 2048",
    # vLLM of 2023 to 2026
    "This model's maximum context length is 512 tokens. However, your prompt contains at least",
    "The decoder prompt (length 600) is longer than the maximum model length of 512.",
    "The prompt (total length 600) is too long to fit into the model (context length 512).",
    (
        "You passed 98305 input tokens and requested 32768 output tokens. However, the model's "
        "context length is only 131072 tokens, resulting in a maximum input length of 98304 tokens."
    ),
    # SiliconFlow, Moonshot, Zhipu
    "length of prompt_tokens (163280) must be less than max_seq_len (32768).",
    "model max length exceeded, max length:8192",
    "Prompt 超长",
    # SGLang, Together
    "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
    "Requested token count exceeds the model's maximum context length of 131072 tokens. You",
    "Input length (265330) exceeds model's maximum context length (262144).",
    "Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).",
    "The input (85050 tokens) is longer than the model's context length (32768 tokens).",
    "Input prompt (35247 tokens) is too long and exceeds limit of 1000",
    # DeepInfra, TensorRT-LLM; vLLM without a limit; Volcengine's Ark
    "Requested input length 35327 exceeds maximum input length 32767",
    "The sum of prompt length (72417.0), query length (0) should not exceed max_num_tokens (69632)",
    "Prompt length (9000) exceeds maximum input length (8192). Set log level to info and check",
    "max_tokens must be at least 1, got -736. (parameter=max_tokens, value=-736)",
    "Total tokens of image and text exceed max message tokens. Request id: 0217",
    # llama.cpp, Ollama
    "request (603 tokens) exceeds the available context size (512 tokens), try increasing it",
    "the request exceeds the available context size, try increasing it",
    "prompt too long; exceeded max context length by 1119046 tokens (ref: 00000000)",
    "the input length exceeds the context length",
    "context shift is disabled",
    "Context size has been exceeded.",
    "context_length_exceeded: the request exceeds the available context size; context shift is",
    "Input is too large to process. Either disable context shift or increase context length.",
    "the prompt is longer than the context length currently available to the model; shorten the",
    # Text Generation Inference
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000",
    "`inputs` must have less than 1024 tokens. Given: 1500",
    # LM Studio
    "The number of tokens to keep from the initial prompt is greater than the context length. Try",
    "Cannot truncate prompt with n_keep (4587) >= n_ctx (4096)",
    "Reached context length of 4096 tokens with model (arch: qwen3vlmoe) that does not currently",
    "Engine protocol predict stream returned an error: {message:'Context size has been exceeded'}",
    "Trying to keep the first 5000 tokens when context the overflows. However, the model is",
    # Anthropic, Fireworks, Bedrock
    "prompt is too long: 213462 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000, decrease input",
    "The prompt is too long: 50000, model maximum context length: 16384",
    "Input is too long for requested model.",
    "Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
    # Gemini, Mistral, DeepSeek, Groq, OpenRouter, xAI
    "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).",
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum",
    "This model's maximum context length is 65536 tokens. However, you requested 69648 tokens",
    "Please reduce the length of the messages or completion.",
    "This endpoint's maximum context length is 1048576 tokens. However, you requested about",
    "Input length 131393 exceeds the maximum allowed input length of 131040 tokens.",
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    # GitHub Copilot, Moonshot, MiniMax, Cohere, Perplexity, Z.ai, DashScope, TabbyAPI
    "prompt token count of 200000 exceeds the limit of 128000",
    "Invalid request: Your request exceeded model token limit: 262144 (requested: 291351)",
    "invalid params, context window exceeds limit (2013)",
    "too many tokens: size limit exceeded by 25836 tokens. Try using shorter or fewer inputs.",
    "The total length of all messages is too long.",
    "Prompt exceeds max length",
    "Range of input length should be [1, 129024]",
    "Prompt length 5000 is greater than max_seq_len 4096",
    "Request length 71599 + 2048 is greater than max_seq_len 65536",
    "Job requires 300 pages (only 256 available) and cannot be enqueued. Total cache allocated is",
    # Bedrock, Cohere, Cloudflare, others behind relays
    "Input is too long.",
    "Input exceeds the max input token limit",
    "Multimodal prompt is too long after expanding multimodal tokens.",
    "Request prompt exceeds the KV memory budget: input_len=9000",
    "input (100500 tokens) is larger than the max context size (100000 tokens). skipping",
    "n_keep: 5000 >= n_ctx: 4096",
    "You passed 74655 input characters and requested 32000 output tokens. However, the model's",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5218.",
    "The estimated number of input and maximum output tokens (30000) exceeded this model context",
    "Input too large (5000 tokens) for model context window (4096 tokens)",
    "Your prompt is longer than the model's context length of 2048.",
    "The input exceeds the model's maximum context limit of 8192 tokens.",
]


def said(body: Any) -> str | None:
    reply = read_error(body)
    assert reply is not None
    return overflow_message(reply)


def test_dashscopes_text_is_understood_behind_its_report() -> None:
    text = "Range of input length should be [1, 983616]"
    for before in ("<400> InternalError.Algo.InvalidParameter: ", "400 <400> InternalError.Algo: "):
        assert (
            said({"error": {"message": before + text, "code": "invalid_parameter_error"}}) == text
        )


@pytest.mark.parametrize("text", TOO_LONG)
def test_every_server_is_understood_and_its_numbers_stay(text: str) -> None:
    assert said({"error": {"message": text}}) == text
    assert said({"error": {"message": f"litellm.BadRequestError: XException - {text}"}}) == text
    wrapped = json.dumps({"error": {"message": text, "code": 400}})
    assert said({"error": {"message": f"OpenAIException - {wrapped}"}}) == text
    assert said([{"error": {"message": text, "status": "INVALID_ARGUMENT"}}]) == text
    assert said({"detail": text}) == text


@pytest.mark.parametrize(
    "error",
    [
        {"message": "no", "code": "context_length_exceeded"},
        {"message": "no", "code": 400, "type": "exceed_context_size_error"},
        {"message": "no", "type": "too_many_prompt_tokens"},
        {"message": "no", "code": "model_max_prompt_tokens_exceeded"},
        {"message": "litellm.ContextWindowExceededError: litellm.BadRequestError: no"},
        {
            "message": "litellm.ContextWindowExceededError: OpenAIException - "
            '{"error": {"message": "no", "code": null}}'
        },
    ],
)
def test_words_for_it_count_whatever_the_message_says(error: Any) -> None:
    assert said({"error": error}) == "no"


def test_an_overflow_that_ollama_passes_on_as_text_keeps_its_numbers() -> None:
    error = {
        "code": 400,
        "message": "the request exceeds the available context size, try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 64010,
        "n_ctx": 64000,
    }
    assert said({"error": json.dumps({"error": error})}) == (
        "the request exceeds the available context size, try increasing it "
        "(the prompt has 64010 tokens, the context 64000 tokens)."
    )


def test_numbers_in_fields_of_their_own_are_added() -> None:
    error = {
        "message": "the request exceeds the available context size, try increasing it.",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 603,
        "n_ctx": 512,
    }
    assert said({"error": error}) == (
        "the request exceeds the available context size, try increasing it "
        "(the prompt has 603 tokens, the context 512 tokens)."
    )
    complete = {**error, "message": "request (603 tokens) exceeds the available context size (512)"}
    assert said({"error": complete}) == complete["message"]
    for odd in (None, "603", 0, -1, True, 10**12):
        odd_counts = {**error, "n_prompt_tokens": odd, "n_ctx": odd}
        assert said({"error": odd_counts}) == error["message"]


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens is too large: 20000. This model supports at most 4096 completion tokens",
        "max_tokens=3000 cannot be greater than max_model_len=512. Please request fewer.",
        "'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's maximum context",
        "Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000",
        "Too many tokens, please wait before trying again.",
        "Rate limit reached",
        "The user wrote: prompt is too long: 5 tokens > 4 maximum",
        "Invalid 'messages[0].content': string too long.",
        "Request too large. The user asked about the context.",
        "The user wrote: context shift is disabled",
        "input is too large to process. increase the physical batch size (current batch size: 512)",
        "The prompt is 'longer than the context'",
    ],
)
def test_other_limits_are_none(text: str) -> None:
    assert said({"error": {"message": text}}) is None
