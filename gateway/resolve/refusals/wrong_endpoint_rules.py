"""Texts by which upstreams say that a model is there, but at another endpoint.

The table is data: a text, anchored at the start of the message, the endpoints that must have been
called for it to be about this call, and the destination. `serves` names the recorded replies
(tests/resolve/errors.jsonl) that need a row; a row without one names its source.
"""

from gateway.resolve.refusals.destinations import (
    EMBEDDINGS,
    NOWHERE,
    TO_CHAT,
    TO_COMPLETIONS,
    TO_RESPONSES,
    Destination,
    behind_a_misleading_hint,
    not_at_completions,
    not_at_responses,
    not_for_this_operation,
    nowhere,
)
from gateway.resolve.refusals.endpoint_rule import WrongEndpointRule, rule
from gateway.resolve.refusals.endpoint_words import ENDPOINT
from gateway.resolve.refusals.sentence_parts import (
    ADVICE,
    AGENT_API,
    CONTENT,
    ENDPOINT_FIRST,
    ENDS,
    ENDS_WITH_REASON,
    FOR_MODEL,
    HERE,
    IN_CHINESE,
    MODEL,
    MUST_BE_THERE,
    NO_TEMPLATE,
    ONLY_IN_CHINESE,
    ONLY_THERE,
    PROVIDER,
    REFUSES,
    SORT,
    SUBJECT,
    THERE,
    THUS,
)
from gateway.shapes import Shape

_CHAT_LIKE = (Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES)
WRONG_ENDPOINT_RULES: tuple[WrongEndpointRule, ...] = (
    # Bedrock Mantle, GitHub Copilot, OpenAI at responses, and others with the same wording
    rule(
        rf"(?:{SUBJECT}|{PROVIDER}) {REFUSES} {HERE}(?:{ENDS}|{ENDS_WITH_REASON}){ADVICE}",
        None,
        "bedrock-mantle-gpt56-luna",
        "copilot-chat-codex-mini",
        "copilot-chat-gpt53-codex-quoted",
        "copilot-gpt56-luna-code-model-not-supported",
        "copilot-api-relay-json-in-message",
        "newapi-wraps-copilot",
        "copilot-responses-gemini",
        "openai-search-preview-on-responses-via-one-api",
    ),
    rule(rf"{ENDPOINT_FIRST}{ADVICE}", None, "oci-gateway-model-on-responses", calls=tuple(Shape)),
    rule(CONTENT, Destination(request_dependent=True), "xai-file-content-on-chat"),
    # OpenRouter, and others that name the sort of model
    rule(
        rf"(?:(?:The )?model )?{MODEL} is an? (?P<there>embeddings?|image(?: generation)?|"
        r"text-to-speech|speech-to-text|transcription|moderation|realtime|video(?: generation)?) "
        r"model(?: and (?:cannot|can't|is not|does not) |[,.;](?: |$))",
        None,
        calls=tuple(Shape),
    ),
    # new-api, about a missing conversion. Its completions are converted as chat.
    rule(
        rf"(?:[\w.-]{{1,40}} channel: )?(?:(?P<also>{ENDPOINT}) )?endpoint not supported\.?$",
        None,
        "newapi-codex-channel-chat",
        calls=tuple(Shape),
        codes=("convert_request_failed",),
    ),
    rule(
        rf"(?:[\w.-]{{1,40}} channel: )?only (?P<there>{ENDPOINT})(?:[, ][^\n]{{0,200}})? "
        r"(?:is|are) supported\.?$",
        None,
        calls=tuple(Shape),
        codes=("convert_request_failed", "do_request_failed", "invalid_request"),
    ),
    rule(
        r"not (?:implemented|supported|available)\.?$",
        TO_CHAT,
        "newapi-responses-not-implemented",
        calls=(Shape.RESPONSES,),
        codes=("convert_request_failed",),
    ),
    # OpenAI
    rule(
        rf"(?:This|{SUBJECT}) is a chat model{THUS} (?:in|on|at|by|with) the /?(?:v1/)?completions "
        r"endpoint",
        not_at_completions,
        "openai-chat-model-on-completions",
        calls=(Shape.COMPLETIONS,),
    ),
    rule(
        rf"(?:This|{SUBJECT}) is not a chat model{THUS} (?:in|on|at|by|with) the "
        r"/?(?:v1/)?chat[/ ]completions endpoint",
        behind_a_misleading_hint,
        "openai-nonchat-model-on-chat-2023",
        "openai-o1-pro-on-chat-misleading-hint",
        "openai-gpt53-codex-on-chat-misleading-hint",
        "openai-gpt52-codex-on-chat-misleading-hint",
        calls=(Shape.CHAT,),
    ),
    rule(
        ONLY_THERE,
        None,
        "openai-codex-mini-latest-responses-only",
        "openai-gpt5-codex-responses-only",
        "openai-gpt5-pro-responses-only-2026",
    ),
    # Small gateways
    rule(MUST_BE_THERE, None),
    # Anthropic, of text completions
    rule(
        rf"{SUBJECT} {REFUSES} this (?:API|endpoint)[.,;:]? (?:please )?(?:use|try|call) {THERE}",
        None,
    ),
    rule(SORT, None),
    rule(FOR_MODEL, None),
    rule(IN_CHINESE, None, "newapi-image-model-on-chat-in-chinese"),
    rule(ONLY_IN_CHINESE, None),
    rule(
        rf"(?:The |This )?model(?: alias)?:? {MODEL} is not a chat model(?=[.,;]|$){ADVICE}",
        None,
        calls=(Shape.CHAT,),
    ),
    # The comma distinguishes it from "The requested model 'X' does not exist.", a missing model.
    rule(
        rf"The requested model, {MODEL} was not found",
        not_at_responses,
        "openai-davinci-002-on-responses-comma-form",
        "openai-embedding-3-on-responses-comma-form",
        "openai-gpt-image-15-on-responses-comma-form",
        calls=(Shape.RESPONSES,),
    ),
    # "Function tools with reasoning_effort are not supported for gpt-5.6-terra in
    # /v1/chat/completions. To use function tools, use /v1/responses or …"
    rule(
        r"Function tools with reasoning_effort are not supported (?:for|on|with) \S{1,300} "
        r"(?:in|with|at|on) /v1/chat/completions",
        Destination((Shape.RESPONSES,), request_dependent=True),
        "openai-gpt6-astra-tools-default-effort",
        "relay-function-tools-on-gpt55",
        calls=(Shape.CHAT,),
    ),
    rule(
        r"You are not allowed to (?:sample|generate embeddings) from this model",
        nowhere,
        "openai-not-allowed-to-sample-403",
    ),
    rule(
        r"Unrecognized request arguments? supplied: (?:[\w.]{1,100}, ){0,50}messages(?:,|\.?$)",
        Destination((Shape.CHAT,), request_dependent=True),
        "openai-messages-sent-to-completions",
        calls=(Shape.COMPLETIONS,),
        needs="messages",
    ),
    # Azure
    rule(
        rf"The completions? operation does not work with the specified model, {MODEL}\.(?:\s|$)",
        not_for_this_operation,
        "azure-completion-op-ada002",
        calls=(Shape.COMPLETIONS,),
    ),
    rule(
        r"The chatCompletions? operation does not work with the specified model, "
        rf"{MODEL}\.(?:\s|$)",
        not_for_this_operation,
        "azure-chatcompletion-op-ada002",
        "azure-chatcompletion-op-embedding-3-large",
        "azure-chatcompletion-op-gpt5-codex",
        "azure-chatcompletion-op-gpt51-codex-max",
        "azure-chatcompletion-op-gpt4o-mini-glitch",
        calls=(Shape.CHAT,),
    ),
    rule(
        rf"The responses operation does not work with the specified model, {MODEL}\.(?:\s|$)",
        not_for_this_operation,
        calls=(Shape.RESPONSES,),
    ),
    rule(
        rf"The embeddings? operation does not work with the specified model, {MODEL}\.(?:\s|$)",
        NOWHERE,
        calls=(None,),
    ),
    # Perplexity, of all models since September 2026 (llmgateway#4146), with 403
    rule(
        AGENT_API,
        TO_RESPONSES,
        "perplexity-sonar-is-the-agent-api",
        calls=(Shape.CHAT, Shape.COMPLETIONS),
    ),
    # xAI
    rule(
        r"Multi Agent requests are not allowed on chat completions",
        TO_RESPONSES,
        "xai-multi-agent-on-chat",
        calls=(Shape.CHAT,),
    ),
    # Fireworks
    rule(
        r"model is missing conversation_config, please use /completions",
        TO_COMPLETIONS,
        calls=_CHAT_LIKE,
    ),
    # Hugging Face's router
    rule(
        rf"The requested model {MODEL} is not a chat model",
        nowhere,
        "huggingface-not-a-chat-model",
        calls=_CHAT_LIKE,
    ),
    # vLLM. A model that has no chat task has no completions task either: it pools.
    rule(
        r"The model does not support Chat Completions API",
        nowhere,
        "vllm-08-http200-chat-unsupported",
        "vllm-http200-chat-unsupported-nested",
        calls=(Shape.CHAT,),
    ),
    rule(
        r"The model does not support Completions API",
        nowhere,
        "vllm-new-501-completions",
        calls=(Shape.COMPLETIONS,),
    ),
    rule(r"This model does not support generation\.?$", nowhere, calls=tuple(Shape)),
    rule(r"The model does not support Responses API", nowhere, calls=(Shape.RESPONSES,)),
    rule(r"The model does not support Messages API", nowhere, calls=(Shape.MESSAGES,)),
    rule(r"The model does not support Embeddings API", NOWHERE, calls=(None,)),
    rule(
        NO_TEMPLATE,
        TO_COMPLETIONS,
        "vllm-no-chat-template-flat",
        "vllm-no-chat-template-nested-none",
        "vllm-no-chat-template-at-messages",
        "litellm-1108-base-model-tail",
        "omlx-no-chat-template",
        "transformers-processor-without-template",
        "tabbyapi-no-prompt-template",
        "tabbyapi-no-prompt-template-2024",
        "tabbyapi-no-prompt-template-messages",
        "openvino-no-chat-template",
        "mistralrs-no-chat-template",
        "runpod-no-chat-template",
        calls=_CHAT_LIKE,
    ),
    # llama.cpp
    rule(
        r"This server does not support (?:chat )?completions\. Start it without `--embeddings?`",
        EMBEDDINGS,
        calls=tuple(Shape),
    ),
    # Ollama
    rule(
        r"[`'\"][^`'\"\n]{1,300}[`'\"] does not support (?:chat|generate)(?=$|[.,;:!\n]| ?\()",
        EMBEDDINGS,
        "ollama-embed-model-on-completions",
        calls=tuple(Shape),
    ),
    rule(
        r"embedding models do not support (?:chat|generate)",
        EMBEDDINGS,
        "ollama-old-embedding-models-chat",
        calls=tuple(Shape),
    ),
    # LM Studio
    rule(r"Failed to load model \"[^\"\n]{1,300}\"\. Error: Model is not embedding", NOWHERE),
    # OpenCode Zen, whose formats are chat, responses, messages and Gemini's own
    rule(
        rf"Model {MODEL} (?:is )?not supported for format [a-z-]{{1,20}}\.?$",
        Destination((Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES)),
        "opencode-format-oa-compat",
        "opencode-format-anthropic",
        calls=_CHAT_LIKE,
    ),
    # sub2api
    rule(
        rf"Unsupported legacy protocol: {HERE} is not supported\. Please use {THERE}",
        None,
        "sub2api-legacy-protocol",
    ),
)
