"""The fields of a chat client's tools that are sent to responses, unknown ones included."""

from collections.abc import Iterator

from gateway.shapes import Json
from gateway.translate.draft import Draft
from gateway.translate.schema.chat import CUSTOM, FORMAT, FUNCTION, GRAMMAR, TOOL
from gateway.translate.schema.checks import Anything, Record
from gateway.translate.schema.responses_tools import TOOLS
from gateway.translate.schema.unknown_fields import carry_unknown, strip_unknown


def function_fields(draft: Draft) -> Iterator[tuple[str, Json]]:
    """Yield the path of each of the `functions`, and the fields to send."""
    for position, function in enumerate(draft.client["functions"]):
        path = f"functions[{position}]"
        yield path, strip_unknown(function, FUNCTION, path, draft.context, draft.report)


def tool_fields(tool: Json, path: str, draft: Draft) -> Json:
    """Return the fields to send of a function or custom tool, with those of its wrapper."""
    kind = tool["type"]
    known = FUNCTION if kind == "function" else CUSTOM
    given: Json = tool[kind]
    if "format" not in given and known.names.issuperset(given) and TOOL.names.issuperset(tool):
        return given
    native = kind == "function" or draft.context.capabilities.custom_tools
    inner = f"{path}.{kind}"
    fields = dict(strip_unknown(given, known, inner, draft.context, draft.report, has_place=native))
    if "format" in fields:
        fields["format"] = custom_format(fields["format"], f"{inner}.format", draft, native=native)
    target = fields if native else None
    reserved = TOOLS[kind].names
    carry_unknown(tool, TOOL, path, draft.context, draft.report, target, reserved)
    return fields


def custom_format(form: Json, path: str, draft: Draft, *, native: bool) -> Json:
    """Return the fields of a custom tool's format; `native`: the server has custom tools, too."""
    form = strip_unknown(form, FORMAT, path, draft.context, draft.report, has_place=native)
    if "grammar" not in form:
        return form
    grammar = strip_unknown(
        form["grammar"], GRAMMAR, f"{path}.grammar", draft.context, draft.report, has_place=native
    )
    # Responses have no object around the grammar: its fields join the grammar's.
    beside = {name: value for name, value in form.items() if name not in FORMAT.fields}
    return {**form, "grammar": {**beside, **grammar}}


_NAME = Record({"name": Anything()})
_ALLOWED = Record({"mode": Anything(), "tools": Anything()})


def report_unknown_choice(choice: Json, draft: Draft) -> None:
    """Report the unknown fields of a `tool_choice`, which is rewritten."""
    _report(choice, "tool_choice", draft)
    if choice["type"] != "allowed_tools":
        return
    path, allowed = "tool_choice.allowed_tools", choice["allowed_tools"]
    carry_unknown(allowed, _ALLOWED, path, draft.context, draft.report)
    for position, tool in enumerate(allowed["tools"]):
        _report(tool, f"{path}.tools[{position}]", draft)


def _report(named: Json, path: str, draft: Draft) -> None:
    kind = named["type"]
    known = Record(dict.fromkeys(("type", kind), Anything()))
    carry_unknown(named, known, path, draft.context, draft.report)
    if kind in ("function", "custom"):
        carry_unknown(named[kind], _NAME, f"{path}.{kind}", draft.context, draft.report)


def refuse_hosted(draft: Draft, param: str, kind: str) -> None:
    """Refuse or drop a hosted tool: chat replies have no place for its work."""
    if draft.context.settings.hosted_tools != "refuse":
        draft.report.drop(param)
        return
    draft.refuse_hosted(param, f"chat replies have no form for a tool of type '{kind[:60]}'.")
