"""Jinja chat templates. No other module renders any.

A template comes from the operator's configuration, never from a request or a model. It is rendered
in a sandbox that does not let it change its input, and its output is bounded.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.config.translation_settings import TemplateSettings
from gateway.envelopes.upstream_json import NOT_JSON
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.tools.argument_values import arguments_value
from gateway.translate.prompt.conversation import SYSTEM, USER, Turn, escape_special, split_system

MAX_RENDERED_CHARACTERS = 32 * 1024 * 1024

_RENDER_ERRORS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""Errors that a template raises for a conversation that it was not written for."""


@lru_cache(maxsize=64)
def compile_template(source: str) -> Template:
    """Return the compiled template; raises `ValueError` with the line of a syntax error.

    The settings are those of Hugging Face's `apply_chat_template`, which templates are written
    for: trimmed blocks, `break`, `continue` and `generation`, `tojson` without HTML escapes.
    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _GenerationTag],
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    try:
        return environment.from_string(source)
    except TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


class _GenerationTag(Extension):
    """`{% generation %}…{% endgeneration %}`: marks text for training, and prints it."""

    tags = {"generation"}  # noqa: RUF012 - the base class declares it so

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def render_template(source: str, variables: Mapping[str, object], *, now: int) -> str:
    """Return the rendered template; `now` is the Unix time that `strftime_now` formats, in UTC.

    Raises `InvalidRequest` with the template's own message, or one about the output's size;
    `ValueError` for a template that does not compile.
    """
    template = compile_template(source)
    pieces: list[str] = []
    length = 0
    try:
        for piece in template.generate(variables, strftime_now=_formatter(now)):
            length += len(piece)
            if length > MAX_RENDERED_CHARACTERS:
                raise _too_long()
            pieces.append(piece)
    except _RENDER_ERRORS as error:
        raise InvalidRequest(
            f"The model's prompt template cannot render these messages: {_reason(error)}",
            param="messages",
            code="prompt_template_error",
        ) from error
    return "".join(pieces)


def _too_long() -> InvalidRequest:
    return InvalidRequest(
        "The prompt rendered from these messages is longer than "
        f"{MAX_RENDERED_CHARACTERS} characters. Send fewer or shorter messages.",
        param="messages",
        code="prompt_too_long",
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it recurses too deeply."
    return str(error) or type(error).__name__


def _formatter(now: int) -> Callable[[str], str]:
    def strftime_now(form: str) -> str:
        return datetime.fromtimestamp(now, UTC).strftime(form)

    return strftime_now


def _raise_exception(message: object) -> None:
    raise TemplateError(str(message))


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def render_conversation(
    template: TemplateSettings,
    turns: Sequence[Turn],
    context: Context,
    tools: Sequence[Json],
    *,
    open_ended: bool,
) -> tuple[str, bool]:
    """Return the prompt that a Jinja template makes, and whether its messages are in their places.

    Many templates have no system role, or take only one system message, as the first. If a template
    refuses or leaves out a system text, all system texts are joined into one, or else put before
    the first user text (as llama.cpp does for Gemma). Raises `InvalidRequest` with the template's
    message, `UnsupportedParameter` for a tool call that the template leaves out, and `ValueError`
    for a template that has no source or does not compile.
    """
    turns = [replace(turn, text=escape_special(turn.text, template, context)) for turn in turns]
    text, in_place = _render_best(template, turns, context, tools, open_ended=open_ended)
    _check_tool_calls(turns, text)
    return text if not open_ended else _left_open(text, turns[-1]), in_place


def _render_best(
    template: TemplateSettings,
    turns: list[Turn],
    context: Context,
    tools: Sequence[Json],
    *,
    open_ended: bool,
) -> tuple[str, bool]:
    """Return the text of the best arrangement, and whether that is the original one.

    The best is the first in which all system texts are rendered, or else the first that renders.
    """
    system_texts = [turn.text.strip() for turn in turns if turn.role == SYSTEM]
    incomplete: list[tuple[str, bool]] = []
    refusals: list[InvalidRequest] = []
    for arrangement in _arrangements(turns):
        try:
            text = _render(template, arrangement, context, tools, open_ended=open_ended)
        except InvalidRequest as error:
            refusals.append(error)
            continue
        if all(system in text for system in system_texts):
            return text, arrangement is turns
        incomplete.append((text, arrangement is turns))
    if incomplete:
        return incomplete[0]
    raise refusals[0]


def _arrangements(turns: list[Turn]) -> list[list[Turn]]:
    """Return the arrangements of the turns to try, the most faithful first."""
    system, others = split_system(turns)
    if not system:
        return [turns]
    leading = [Turn(SYSTEM, system), *others]
    first = next((i for i, turn in enumerate(others) if turn.role == USER), None)
    if first is None:
        merged = [Turn(USER, system), *others]
    else:
        user = replace(others[first], text=f"{system}\n\n{others[first].text}")
        merged = [*others[:first], user, *others[first + 1 :]]
    return [turns, merged] if leading == turns else [turns, leading, merged]


def _render(
    template: TemplateSettings,
    turns: Sequence[Turn],
    context: Context,
    tools: Sequence[Json],
    *,
    open_ended: bool,
) -> str:
    if template.source is None:
        raise ValueError("the 'jinja' prompt template has no source")
    variables = {
        "messages": [_message(turn) for turn in turns],
        "tools": list(tools) or None,
        "add_generation_prompt": not open_ended,
        "continue_final_message": open_ended,
        "bos_token": template.bos_token,
        "eos_token": template.eos_token,
    }
    return render_template(template.source, variables, now=context.now)


def _message(turn: Turn) -> Json:
    message: Json = {"role": turn.role, "content": turn.text}
    if turn.name:
        message["name"] = turn.name
    if turn.tool_calls:
        message["tool_calls"] = [_tool_call(call) for call in turn.tool_calls]
    if turn.tool_call_id:
        message["tool_call_id"] = turn.tool_call_id
    return message


def _tool_call(call: Json) -> Json:
    """Return a call with its arguments as an object, which templates expect (vLLM)."""
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    try:
        arguments = arguments_value(function["arguments"] or "{}")
    except NOT_JSON:
        return call
    return {**call, "function": {**function, "arguments": arguments}}


def _check_tool_calls(turns: Sequence[Turn], text: str) -> None:
    for turn in turns:
        for k, call in enumerate(turn.tool_calls):
            function = call.get("function")
            name = function.get("name") if isinstance(function, dict) else None
            if not isinstance(name, str) or name not in text:
                param = f"{turn.param}.tool_calls[{k}]"
                raise UnsupportedParameter(
                    f"'{param}' is left out by the model's prompt template. Remove it, or "
                    "ask the gateway's operator for a template that renders tool calls.",
                    param=param,
                )


def _left_open(text: str, last: Turn) -> str:
    """Return the prompt up to the end of the last message's text."""
    for content in (last.text, last.text.strip()):
        position = text.rfind(content) if content else -1
        if position >= 0:
            return text[: position + len(content)]
    raise InvalidRequest(
        "'continue_final_message' needs a last message with text that the model's prompt template "
        "renders unchanged.",
        param=f"{last.param}.content",
        code="prompt_template_error",
    )
