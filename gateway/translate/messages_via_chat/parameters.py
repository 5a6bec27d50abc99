"""The parameters of a messages request that chat has in a form of its own."""

from gateway.shapes import Json
from gateway.translate.draft import Draft
from gateway.translate.parts.from_messages import parameters
from gateway.translate.parts.from_messages.tools import MessagesTools
from gateway.translate.parts.tools.choices import ToolChoice
from gateway.translate.schema.chat import CHAT_EXTENSIONS, CHAT_PARAMETERS

_RESERVED = (CHAT_PARAMETERS.keys() | CHAT_EXTENSIONS.keys()) - parameters.SAME_EVERYWHERE


def independent(draft: Draft) -> None:
    """Write or report the parameters that nothing else depends on."""
    parameters.refused(draft)
    draft.upstream[draft.context.capabilities.max_tokens_field] = draft.client["max_tokens"]
    effort = parameters.effort(draft)
    if effort is not None:
        draft.upstream["reasoning_effort"] = effort
    parameters.sampling(draft, effort)
    _output_format(draft)
    if parameters.streaming(draft) and draft.context.capabilities.stream_usage:
        draft.upstream["stream_options"] = {"include_usage": True}
    draft.upstream |= parameters.verbosity(draft)
    parameters.extension_parameters(draft, _RESERVED)


def _output_format(draft: Draft) -> None:
    schema = parameters.output_schema(draft)
    if schema is not None:
        if not schema["strict"]:
            del schema["strict"]
        draft.upstream["response_format"] = {"type": "json_schema", "json_schema": schema}


def stop_sequences(draft: Draft) -> bool:
    """Send the stop sequences if the server names the one it finds; return whether it does.

    Chat's own replies do not tell a stop sequence from the end of the text, so for all other
    servers the gateway looks for them.
    """
    stops = list(dict.fromkeys(draft.client.get("stop_sequences", ())))
    able = draft.context.capabilities
    if stops and able.names_stop and able.stop and len(stops) <= able.max_stops:
        draft.upstream["stop"] = stops
        return True
    parameters.emulate_stops(draft)
    return False


def continues_last(draft: Draft) -> bool:
    """Have the model continue the last message if its server can; return whether it does."""
    if not draft.context.capabilities.continues_last:
        return False
    draft.upstream |= {"continue_final_message": True, "add_generation_prompt": False}
    return True


def write_tools(draft: Draft, tools: MessagesTools) -> None:
    """Write `tools`, `tool_choice` and `parallel_tool_calls`."""
    if not tools.tools:
        return
    draft.upstream["tools"] = [
        {"type": "function", "function": tool.function} for tool in tools.tools
    ]
    if tools.choice is not None:
        draft.upstream["tool_choice"] = _chat_choice(tools.choice)
    if tools.one_at_a_time:
        draft.upstream["parallel_tool_calls"] = False


def _chat_choice(choice: ToolChoice) -> str | Json:
    if choice.named is None:
        return choice.mode
    return {"type": "function", "function": {"name": choice.named.name}}
