"""The reply to a request for no tokens at all, which only Anthropic's endpoint takes.

There such a request fills the prompt cache.
"""

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.draft import Draft


def asks_nothing(draft: Draft) -> bool:
    """Whether nothing is to be generated, and the operator allows to answer without a call.

    Raises `UnsupportedParameter` if nothing is, and the operator does not.
    """
    if draft.client["max_tokens"]:
        return False
    if draft.context.settings.on_unsupported == "drop":
        draft.report.drop("max_tokens")
        return True
    raise UnsupportedParameter(
        f"'max_tokens' of 0 is not supported for model '{draft.context.model_asked}': it only "
        "fills Anthropic's cache, and the model's endpoint generates at least one token. Set at "
        "least 1, or ask the gateway's operator to have it answered without a call "
        "(on_unsupported: drop).",
        param="max_tokens",
    )


def empty_reply(context: Context) -> Json:
    """Return the reply without content."""
    return {
        "id": f"msg_{context.new_id()}",
        "type": "message",
        "role": "assistant",
        "model": context.model_asked,
        "content": [],
        "stop_reason": "max_tokens",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }
