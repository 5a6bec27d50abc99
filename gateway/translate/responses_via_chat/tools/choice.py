"""The `tool_choice` of a responses request in chat's form."""

from collections.abc import Mapping
from functools import cached_property

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.responses_via_chat.tools.client_tools import CLIENT_TOOLS
from gateway.translate.responses_via_chat.tools.definitions import ChatTools, name_of
from gateway.translate.schema.checks import Anything, Record
from gateway.translate.schema.unknown_fields import carry_unknown

_CHOICE = Record(
    dict.fromkeys(("type", "name", "namespace", "server_label", "mode", "tools"), Anything())
)


def tool_parameters(client: Json, tools: ChatTools, context: Context, report: Report) -> Json:
    """Return `tools`, `tool_choice` and `parallel_tool_calls` in chat's form.

    Without tools none of them is sent: servers refuse an empty list, and the other two without
    tools. Raises `UnsupportedParameter` or `InvalidRequest` for an impossible choice.
    """
    choice = client.get("tool_choice", "auto")
    if tools.definitions and not context.capabilities.tools:
        if choice == "none":
            report.drop("tools")
        else:
            reason = f"its {report.target} endpoint does not take tools."
            unsupported(context, report, "tools", reason)
            if choice != "auto":
                unsupported(context, report, "tool_choice", reason, droppable=False)
        tools = ChatTools()
    chooser = _Chooser(tools, context, report)
    if not tools.definitions:
        if choice not in ("none", "auto"):
            raise chooser.unavailable(choice)
        if client.get("parallel_tool_calls") is False:
            report.drop("parallel_tool_calls")
        return {}
    definitions, sent = chooser.choose(choice)
    parameters: Json = {"tools": definitions}
    if sent is not None:
        parameters["tool_choice"] = sent
    if "parallel_tool_calls" in client:
        parameters["parallel_tool_calls"] = client["parallel_tool_calls"]
    return parameters


class _Chooser:
    """Resolves a choice of tools."""

    def __init__(self, tools: ChatTools, context: Context, report: Report) -> None:
        self._tools = tools
        self._context = context
        self._report = report

    @cached_property
    def _by_name(self) -> Mapping[str, Json]:
        """The definitions by their names; of several with one name, the first."""
        return {name_of(tool): tool for tool in reversed(self._tools.definitions)}

    def choose(self, choice: str | Json) -> tuple[list[Json], str | Json | None]:
        """Return the tools to send, and chat's `tool_choice`; None for the default."""
        definitions = self._tools.definitions
        if isinstance(choice, str):
            return definitions, None if choice == "auto" else choice
        self._report_unknown(choice, "tool_choice")
        if choice["type"] == "allowed_tools":
            return self._allowed(choice)
        return definitions, _selector(self._named(choice))

    def _allowed(self, choice: Json) -> tuple[list[Json], str | Json | None]:
        """Return the tools and the choice for `allowed_tools`.

        If the server has no such choice, only the allowed tools are returned.
        """
        drops = self._context.settings.hosted_tools == "drop"
        allowed = [
            self._named(reference)
            for reference in choice["tools"]
            if not (drops and reference["type"] in self._tools.hosted)
        ]
        mode = choice["mode"]
        if not allowed and mode == "required":
            raise self.unavailable(mode)
        if not allowed:
            return self._tools.definitions, "none"
        if self._context.capabilities.allowed_tools:
            selectors = [_selector(definition) for definition in allowed]
            nested = {"mode": mode, "tools": selectors}
            return self._tools.definitions, {"type": "allowed_tools", "allowed_tools": nested}
        self._report.emulate("tool_choice")
        names = set(map(name_of, allowed))
        some = [tool for tool in self._tools.definitions if name_of(tool) in names]
        return some, None if mode == "auto" else mode

    def _report_unknown(self, choice: Json, path: str) -> None:
        carry_unknown(choice, _CHOICE, path, self._context, self._report)
        for position, reference in enumerate(choice.get("tools", ())):
            self._report_unknown(reference, f"{path}.tools[{position}]")

    def _named(self, reference: Json) -> Json:
        """Return the definition of the tool that a choice names."""
        kind, name = reference["type"], reference.get("name")
        if kind in CLIENT_TOOLS and self._tools.names.is_declared(kind, kind):
            flat = kind
        elif kind in ("function", "custom") and name is not None:
            flat = self._tools.names.flat(reference.get("namespace"), name)
        else:
            raise self.unavailable(reference)
        definition = self._by_name.get(flat)
        if definition is None:
            raise self.unavailable(reference)
        return definition

    def unavailable(self, choice: str | Json) -> InvalidRequest:
        """Return the error for a choice of tools that are left out or were not declared."""
        hosted = self._tools.hosted
        if isinstance(choice, dict):
            wanted = {choice["type"], *(each["type"] for each in choice.get("tools", ()))}
            hosted = [kind for kind in hosted if kind in wanted]
        if hosted:
            names = ", ".join(f"'{kind}'" for kind in dict.fromkeys(hosted))
            return UnsupportedParameter(
                f"'tool_choice' is not supported for model '{self._context.model_asked}': it "
                f"demands {names}, but the model is served through the {self._report.target} "
                "endpoint, which has no hosted tools. Choose another tool, or 'auto'.",
                param="tool_choice",
            )
        return InvalidRequest(
            "Invalid 'tool_choice': the tool that it demands is not among 'tools'. Declare it in "
            "'tools', or choose another.",
            param="tool_choice",
            code="invalid_value",
        )


def _selector(definition: Json) -> Json:
    kind = definition["type"]
    return {"type": kind, kind: {"name": name_of(definition)}}
