"""The plain way from chat to responses and back (`plain_way.py` says what that is).

What is recognised here is what the general way gives the same for, without a word in the report:
messages that are texts, numbers that any backend takes, and a response that is one text.
"""

from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.reply import sole_text
from gateway.translate.checks import INT64_MAX
from gateway.translate.contract import Context
from gateway.translate.fields import created, model_name, swap_id
from gateway.translate.plain_way import copy_numbers
from gateway.translate.responses_usage import chat_usage

_PARAMETERS = frozenset(
    {
        *("model", "messages", "n", "store", "stream", "user"),
        *("max_tokens", "max_completion_tokens", "temperature", "top_p"),
    }
)
_RANGES = (("temperature", 0, 2), ("top_p", 0, 1))


def plain_call(body: Json, context: Context) -> Json | None:
    """Return the responses request that a plain chat request is; None: it is not plain."""
    able = context.capabilities
    if not body.keys() <= _PARAMETERS or context.reasoning_effort is not None:
        return None
    if not (able.temperature and able.top_p) or type(body.get("model")) is not str:
        return None
    items = _items(body.get("messages"), developer_role=able.developer_role)
    store = body.get("store", False)
    if items is None or type(store) is not bool or body.get("stream", False) is not False:
        return None
    sent: Json = {"model": context.model_sent, "input": items}
    if "user" in body:
        sent["user"] = body["user"]
        if type(body["user"]) is not str:
            return None
    sent["store"] = store
    if not copy_numbers(body, sent, _RANGES):
        return None
    if "n" in body and (type(body["n"]) is not int or body["n"] != 1):
        return None
    if "max_tokens" in body or "max_completion_tokens" in body:
        limit = body.get("max_completion_tokens", body.get("max_tokens"))
        if "max_tokens" in body and "max_completion_tokens" in body:
            return None
        if type(limit) is not int or not max(able.min_output_tokens, 1) <= limit <= INT64_MAX:
            return None
        sent["max_output_tokens"] = limit
    return sent


def _items(messages: object, *, developer_role: bool) -> list[Json] | None:
    """Return the input items of messages that are texts; None: some message is something else."""
    if type(messages) is not list or not messages:
        return None
    items: list[Json] = []
    for message in messages:
        if type(message) is not dict or len(message) != 2:
            return None
        role, content = message.get("role"), message.get("content")
        if type(content) is not str:
            return None
        if role == "system" or (role == "developer" and developer_role):
            said: str | list[Json] = [{"type": "input_text", "text": content}]
        elif role == "user" or role == "assistant":
            said = content
        else:
            return None
        items.append({"type": "message", "role": role, "content": said})
    return items


def plain_reply(response: object, sent: Json, context: Context) -> Json | None:
    """Return the chat completion that a plain response is; None: it is not plain."""
    if type(response) is not dict or response.get("object") != "response":
        return None
    if response.get("error") or "type" in response or "response" in response:
        return None
    text, usage = sole_text(response), chat_usage(response.get("usage"))
    if text is None or usage is None or response.get("metadata"):
        return None
    limit = sent.get("max_output_tokens")
    if limit is not None and usage["completion_tokens"] >= limit:
        return None
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    folded: Json = {
        "id": swap_id(response.get("id"), Shape.CHAT, context),
        "object": "chat.completion",
        "created": created(response.get("created_at"), context),
        "model": model_name(response.get("model"), context),
        "choices": [choice],
    }
    if type(response.get("service_tier")) is str:
        folded["service_tier"] = response["service_tier"]
    folded["usage"] = usage
    return folded
