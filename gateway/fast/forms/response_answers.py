"""Common responses for clients: a text, calls of functions, or both."""

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.fast.codec import encode
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.fields import created, model_name, own_response_id
from gateway.translate.responses_via_chat.output.response_object import (
    ECHOED,
    ResponseObject,
    UpstreamFacts,
    completed,
)

AnsweredCall = tuple[str, str, str]
"""The id of a call, the name of its function, and its arguments."""


class _Text(msgspec.Struct, gc=False):
    type: str
    text: str
    annotations: tuple[()] = ()
    logprobs: tuple[()] = ()


class _Output(msgspec.Struct, gc=False):
    id: str
    type: str
    status: str
    role: str
    content: tuple[_Text]


class _Calling(msgspec.Struct, gc=False):
    id: str
    type: str
    status: str
    call_id: str
    name: str
    arguments: str


_DEFAULTS: Json = ResponseObject({}, UpstreamFacts(), Context("", "")).at("completed", ())
_Answer: Any = msgspec.defstruct(
    "_Answer",
    [(name, Any, msgspec.Raw(encode(value))) for name, value in _DEFAULTS.items()],
    kw_only=True,
    gc=False,
)
"""A complete response to a request without parameters, whose fields are encoded already."""


def encode_response(
    client: Json,
    facts: UpstreamFacts,
    text: str | None,
    calls: Iterable[AnsweredCall],
    context: Context,
    tools: msgspec.Raw | None = None,
) -> bytes:
    """Return a complete response.

    `client` has the parameters of the request, and `tools` its tools as the response repeats them,
    unless they are among the parameters.
    """
    if context.reasoning_effort is None and not tools and client.keys() <= ECHOED.keys():
        begun = created(facts.created, context)
        answer = _Answer(
            id=own_response_id(context),
            created_at=begun,
            model=model_name(facts.model, context),
            completed_at=completed(begun, context),
            output=_output(text, calls, context),
            service_tier=facts.tier,
            usage=facts.total,
            **client,
        )
        return encode(answer)
    response = ResponseObject(client, facts, context)
    answer = response.at("completed", _output(text, calls, context))
    return encode(answer if tools is None else {**answer, "tools": tools})


def _output(text: str | None, calls: Iterable[AnsweredCall], context: Context) -> list[Any]:
    output: list[Any] = []
    if text:
        content = (_Text("output_text", text),)
        item_id = f"msg_{context.new_id()}"
        output.append(_Output(item_id, "message", "completed", "assistant", content))
    for call in calls:
        item_id = f"fc_{context.new_id()}"
        output.append(_Calling(item_id, "function_call", "completed", *call))
    return output
