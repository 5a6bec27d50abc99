"""The choice of tools in a chat request: `tool_choice`, or `function_call`."""

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.chat_via_responses.tool_fields import report_unknown_choice
from gateway.translate.draft import Draft
from gateway.translate.parts.tools.choices import ToolChoice, ToolName, read_chat_choice
from gateway.translate.schema.checks import Record, String
from gateway.translate.schema.unknown_fields import carry_unknown

_NAMED = Record({"name": String()}, required=("name",))


def uses_functions(client: Json) -> bool:
    """Whether a request declares `functions`, the form before `tools`; it cannot have both.

    Raises `InvalidRequest`.
    """
    legacy = bool(client.get("functions"))
    if legacy and client.get("tools"):
        raise InvalidRequest(
            "'functions' and 'tools' cannot both be used. Move the functions into 'tools'.",
            param="functions",
            code="invalid_value",
        )
    return legacy


def requested_choice(draft: Draft, *, legacy: bool) -> ToolChoice | None:
    """Return the client's choice of tools; None: it makes none.

    `legacy`: the client declares `functions`. Raises `InvalidRequest`, naming the client's
    parameter.
    """
    if not legacy:
        return _of_tools(draft)
    wanted = draft.client.get("function_call")
    if isinstance(wanted, dict):
        named: Json = _NAMED.accept(wanted, "function_call")
        carry_unknown(named, _NAMED, "function_call", draft.context, draft.report)
        return ToolChoice("required", named=ToolName("function", named["name"]))
    return None if wanted is None else read_chat_choice(wanted, "function_call")


def _of_tools(draft: Draft) -> ToolChoice | None:
    if draft.client.get("function_call") not in (None, "auto", "none"):
        raise InvalidRequest(
            "'function_call' is only allowed when 'functions' are specified.",
            param="function_call",
            code="invalid_value",
        )
    wanted = draft.client.get("tool_choice")
    if wanted is None:
        return None
    choice = read_chat_choice(wanted)
    if isinstance(wanted, dict):
        report_unknown_choice(wanted, draft)
    return choice


def refuse_choice_of_nothing(
    draft: Draft, choice: ToolChoice, param: str, definitions: str
) -> None:
    """Raise for a choice that requires a call of a tool in `definitions`, if none is sent.

    `InvalidRequest`: the client declares none; `UnsupportedParameter`: none can be sent.
    """
    if choice.mode != "required":
        return
    if draft.client.get(definitions):
        kinds = dict.fromkeys(
            f"'{tool.get('type', 'function')[:60]}'" for tool in draft.client[definitions]
        )
        draft.refuse(
            param,
            f"it requires a call, but no declared tool can be sent ({', '.join(kinds)}).",
            droppable=False,
        )
    raise InvalidRequest(
        f"'{param}' is only allowed when '{definitions}' are specified.",
        param=param,
        code="invalid_value",
    )
