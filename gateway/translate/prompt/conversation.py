"""The messages of a chat request, checked and reduced to the parts that fit into a text prompt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.config.translation_settings import TemplateSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.schema.checks import OneOf
from gateway.translate.schema.errors import missing, wrong_type

SYSTEM, USER, ASSISTANT, TOOL = "system", "user", "assistant", "tool"

_ROLES = OneOf("developer", "system", "user", "assistant", "tool", "function")
_MAY_BE_EMPTY = (ASSISTANT, "function")
_OTHER_NAMES = {"developer": SYSTEM, "function": TOOL}
_PART_TEXT = {"text": "text", "refusal": "refusal"}
_NON_TEXT_PARTS = frozenset({"image_url", "input_audio", "file"})
_NAME = re.compile(r"[^\s<|\\/>:]{1,64}")
_ZERO_WIDTH_SPACE = "\u200b"
_SPECIAL_TOKEN = re.compile(
    r"<\|[^|<>\s]{1,64}\|>|<\uff5c[^\uff5c<>\s]{1,64}\uff5c>|\[/?INST\]|<</?SYS>>"
    r"|<(?:start|end)_of_turn>"
)
"""Control tokens of ChatML, Llama 3, DeepSeek (full-width bars), Llama 2 and Gemma."""


@dataclass(slots=True)
class Turn:
    """One message. `role` is system, user, assistant or tool; `text` has its parts as lines."""

    role: str
    text: str
    name: str | None = None
    tool_calls: tuple[Json, ...] = ()
    """An assistant's calls, in chat's form."""
    tool_call_id: str | None = None
    position: int = field(default=0, compare=False)
    """Index of the message in the client's list."""

    @property
    def param(self) -> str:
        """The client's path of the message."""
        return f"messages[{self.position}]"

    @property
    def has_tools(self) -> bool:
        """Whether only a template that supports tools can render this turn."""
        return self.role == TOOL or bool(self.tool_calls)


def read_turns(messages: Sequence[Json]) -> list[Turn]:
    """Return the turns of chat `messages`.

    Older and newer names become one: `developer` becomes `system`, `function` becomes `tool`,
    `function_call` a tool call. Raises `InvalidRequest` for an invalid message, and
    `UnsupportedParameter` for a part that is not text, both naming `messages[i].content[j]`.
    """
    if not messages:
        raise InvalidRequest(
            "Invalid 'messages': empty array. Send at least one message.",
            param="messages",
            code="empty_array",
        )
    return [_turn(message, i) for i, message in enumerate(messages)]


def _turn(message: object, position: int) -> Turn:
    param = f"messages[{position}]"
    if not isinstance(message, dict):
        raise wrong_type(param, "an object", message)
    if message.get("role") is None:
        raise missing(f"{param}.role")
    role = _ROLES.accept(message["role"], f"{param}.role")
    calls = _tool_calls(message, param) if role == ASSISTANT else ()
    call_id = message.get("tool_call_id")
    return Turn(
        role=_OTHER_NAMES.get(role, role),
        text=_text(message, param, required=role not in _MAY_BE_EMPTY),
        name=_name(message, param),
        tool_calls=calls,
        tool_call_id=call_id if isinstance(call_id, str) else None,
        position=position,
    )


def _text(message: Json, param: str, *, required: bool) -> str:
    """Return the text of a message, followed by its refusal."""
    content = message.get("content")
    if content is None:
        if required:
            raise missing(f"{param}.content")
        texts = []
    elif isinstance(content, str):
        texts = [content]
    elif isinstance(content, list):
        texts = [_part_text(part, f"{param}.content[{j}]") for j, part in enumerate(content)]
    else:
        raise wrong_type(f"{param}.content", "a string or an array of content parts", content)
    if isinstance(refusal := message.get("refusal"), str):
        texts.append(refusal)
    return "\n".join(texts)


def _part_text(part: object, param: str) -> str:
    if not isinstance(part, dict):
        raise wrong_type(param, "an object", part)
    kind = part.get("type")
    if not isinstance(kind, str):
        raise (
            missing(f"{param}.type")
            if kind is None
            else wrong_type(f"{param}.type", "a string", kind)
        )
    if kind in _NON_TEXT_PARTS:
        raise UnsupportedParameter(
            f"'{param}' is of type '{kind}', but the model is served through the completions "
            "endpoint, which takes text only. Remove it.",
            param=param,
        )
    if kind not in _PART_TEXT:
        raise InvalidRequest(
            f"Invalid value for '{param}.type': '{kind[:100]}'. Supported values are: 'text'.",
            param=f"{param}.type",
            code="invalid_value",
        )
    text = part.get(_PART_TEXT[kind])
    if not isinstance(text, str):
        raise wrong_type(f"{param}.{_PART_TEXT[kind]}", "a string", text)
    return text


def _name(message: Json, param: str) -> str | None:
    name = message.get("name")
    if name is None:
        return None
    if not isinstance(name, str):
        raise wrong_type(f"{param}.name", "a string", name)
    if not _NAME.fullmatch(name):
        # Other characters could imitate the header of another turn.
        raise InvalidRequest(
            f"Invalid '{param}.name': expected 1 to 64 characters without white space and "
            "without any of <|\\/>:",
            param=f"{param}.name",
            code="invalid_value",
        )
    return name


def _tool_calls(message: Json, param: str) -> tuple[Json, ...]:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise wrong_type(f"{param}.tool_calls", "an array", calls)
    for k, call in enumerate(calls):
        if not isinstance(call, dict):
            raise wrong_type(f"{param}.tool_calls[{k}]", "an object", call)
    function_call = message.get("function_call")
    if function_call is None:
        return tuple(calls)
    if not isinstance(function_call, dict):
        raise wrong_type(f"{param}.function_call", "an object", function_call)
    return (*calls, {"type": "function", "function": function_call})


def split_system(turns: Sequence[Turn]) -> tuple[str, list[Turn]]:
    """Return the system texts joined by a blank line, and the other turns."""
    system = "\n\n".join(turn.text for turn in turns if turn.role == SYSTEM)
    return system, [turn for turn in turns if turn.role != SYSTEM]


def late_system(turns: Sequence[Turn]) -> frozenset[int]:
    """Return the positions of system messages that follow other messages."""
    front = next((i for i, turn in enumerate(turns) if turn.role != SYSTEM), len(turns))
    return frozenset(turn.position for turn in turns[front:] if turn.role == SYSTEM)


def escape_special(text: str, template: TemplateSettings, context: Context) -> str:
    """Return the text with a zero-width space within anything that looks like a control token.

    Otherwise users could end their turn and begin one of the system.
    """
    if not context.settings.escape_special:
        return text
    text = _SPECIAL_TOKEN.sub(lambda match: _broken(match[0]), text)
    for token in (template.bos_token, template.eos_token):
        if token:
            text = text.replace(token, _broken(token))
    return text


def _broken(token: str) -> str:
    return token[0] + _ZERO_WIDTH_SPACE + token[1:]
