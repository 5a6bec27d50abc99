"""llama.cpp's llama-server (`tools/server`)."""

from gateway.envelopes.json_fields import strings
from gateway.servers.presets import SELF_HOSTED
from gateway.servers.profile import MetadataCall, Profile, any_path
from gateway.servers.reading import owned_by
from gateway.shapes import Shape

# Every model has the capability `completion`, and chat falls back to a default template, so neither
# shows where a model lives.
PROFILE = Profile(
    name="llamacpp",
    tried="b10434",
    path_doubt=any_path,
    header_mark=lambda headers: headers.get("server") == "llama.cpp",
    marks=(owned_by("llamacpp"),),
    about_server=(MetadataCall("/props", root=True),),
    has_jobs=False,
    other_names=lambda entry, _: strings(entry, "aliases"),
    context_fields=("meta.n_ctx", "default_generation_settings.n_ctx"),
    order={
        # b10434, recorded: its /v1/responses answers 200 and ignores the schema of `text.format`;
        # says `completed` of what max_output_tokens has cut (its chat says `length`); sends events
        # without sequence_number, output_index and content_index, and `response.created` without
        # `output`, on which openai-python 3.57 dies; refuses `top_logprobs`, and assistant messages
        # whose content is a string; drops custom tools and web_search silently. All of these are
        # right through its chat endpoint.
        Shape.RESPONSES: (Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS),
    },
    capabilities={
        **SELF_HOSTED,
        "tool_image_parts": True,
        "unlimited_by_default": True,
        # `n` is limited to the number of slots, which only /props has.
        "max_n": 1,
    },
    at_endpoint={
        # Seen with b10434: keys that the converter to chat does not know are passed on to chat,
        # while `text.format` is ignored, and logprobs are refused.
        Shape.RESPONSES: {
            "stop": True,
            "seed": True,
            "logit_bias": True,
            "penalties": True,
            "logprobs": False,
            "reads_response_format": True,
            "reasoning_items": True,
        },
    },
)
