"""The parameters of a messages request that responses have in a form of their own."""

from gateway.shapes import Json
from gateway.translate.draft import Draft
from gateway.translate.parts.from_messages import parameters
from gateway.translate.parts.from_messages.blocks.thinking import wants_thinking
from gateway.translate.parts.from_messages.tools import MessagesTools
from gateway.translate.parts.messages.effort import DISABLED
from gateway.translate.parts.output_format import chat_format
from gateway.translate.parts.tools.choices import responses_choice
from gateway.translate.parts.tools.definitions import responses_function
from gateway.translate.schema.responses import (
    ENCRYPTED_REASONING,
    RESPONSES_EXTENSIONS,
    RESPONSES_PARAMETERS,
)

_OWN = RESPONSES_PARAMETERS.keys() | RESPONSES_EXTENSIONS.keys()
_RESERVED = _OWN - parameters.SAME_EVERYWHERE


def independent(draft: Draft) -> None:
    """Write or report the parameters that nothing else depends on."""
    parameters.refused(draft)
    draft.upstream["store"] = False
    effort = parameters.effort(draft)
    _reasoning(draft, effort)
    parameters.sampling(draft, effort)
    _output_format(draft)
    parameters.streaming(draft)
    parameters.extension_parameters(draft, _RESERVED)


def token_limit(draft: Draft) -> None:
    """Send the token limit, raised to the endpoint's minimum if it is lower."""
    limit: int = draft.client["max_tokens"]
    least = draft.context.capabilities.min_output_tokens
    draft.upstream["max_output_tokens"] = max(limit, least)
    if limit < least:
        draft.report.change("max_tokens", limit, least)


def _reasoning(draft: Draft, effort: str | None) -> None:
    """Send the effort; ask for a summary, and for encrypted reasoning to be sent back later.

    Models that do not reason refuse a request for either. Servers that take the text of earlier
    reasoning return that text without being asked.
    """
    able = draft.context.capabilities
    reasons = able.reasoning or effort not in (None, DISABLED)
    options: Json = {} if effort is None else {"effort": effort}
    if reasons and not able.reasoning_items:
        if wants_thinking(draft.client):
            options["summary"] = "auto"
        if draft.context.seal is not None:
            draft.upstream["include"] = [ENCRYPTED_REASONING]
    if options:
        draft.upstream["reasoning"] = options


def _output_format(draft: Draft) -> None:
    schema = parameters.output_schema(draft)
    text: Json = {}
    if schema is not None:
        form = {"type": "json_schema", **schema}
        if draft.context.capabilities.reads_response_format:
            draft.upstream["response_format"] = chat_format(form)
        else:
            text["format"] = form
    text |= parameters.verbosity(draft)
    if text:
        draft.upstream["text"] = text


def write_tools(draft: Draft, tools: MessagesTools) -> None:
    """Write `tools`, `tool_choice` and `parallel_tool_calls`."""
    if not tools.tools:
        return
    says_strict = draft.context.capabilities.strict_by_default
    draft.upstream["tools"] = [
        responses_function(tool.function, tool.path, says_strict=says_strict)
        for tool in tools.tools
    ]
    if tools.choice is not None:
        draft.upstream["tool_choice"] = responses_choice(tools.choice)
    if tools.one_at_a_time:
        draft.upstream["parallel_tool_calls"] = False
