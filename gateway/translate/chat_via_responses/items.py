"""The messages of a chat request as the input items of a responses request."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from gateway.shapes import Json
from gateway.translate.chat_via_responses.client_paths import InputItems
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.parts.content.parts import (
    is_text_only,
    output_text_part,
    refusal_part,
    responses_input_parts,
    responses_output_parts,
)
from gateway.translate.parts.content.texts import REASONING_FIELDS
from gateway.translate.parts.tools.calls import (
    bounded_call_id,
    responses_call,
    responses_call_output,
)
from gateway.translate.parts.tools.custom import wrapped_input
from gateway.translate.parts.tools.unnamed_calls import UnnamedCalls
from gateway.translate.schema.chat_messages import (
    CUSTOM_CALL,
    FUNCTION_CALL,
    MESSAGES,
    TOOL_CALL,
)
from gateway.translate.schema.checks import Anything, OneOf, Record
from gateway.translate.schema.responses_input import ITEMS, MESSAGE
from gateway.translate.schema.unknown_fields import carry_unknown

_REASONING_TEXTS = tuple(dict.fromkeys(("reasoning_text", *REASONING_FIELDS)))
"""The fields for the text of reasoning: the first one present counts; later ones have its
summary."""
_REASONING_FIELDS = (*_REASONING_TEXTS, "reasoning_summary", "reasoning_details")
"""The fields of an assistant's message that hold its reasoning."""

_OF_REPLIES = ("annotations", "content_parts", "output_items")
"""Fields of replies that requests have no place for."""

_REASONING_NAMES = frozenset(_REASONING_FIELDS)
_BESIDE_ANSWERS = frozenset({"audio", *_REASONING_FIELDS, *_OF_REPLIES})
_CALLS = frozenset({"function_call", "custom_tool_call"})
_MESSAGES: Mapping[str, Record] = {
    **MESSAGES,
    "assistant": Record(
        {
            **MESSAGES["assistant"].fields,
            **dict.fromkeys((*_REASONING_FIELDS, *_OF_REPLIES, "phase"), Anything()),
        }
    ),
}
_CALL_KIND = OneOf("function", "custom")
_MESSAGE_FIELDS = {"content": "content", "role": "role"}
_CONTENT: tuple[str, ...] = ("content",)
_RESULT_FIELDS = {"output": "content"}
_OUTPUT_FIELDS = {**_RESULT_FIELDS, "call_id": "tool_call_id"}
_CALL_FIELDS = {
    "function": {
        "call_id": "id",
        "name": "function.name",
        "arguments": "function.arguments",
    },
    "custom": {
        "call_id": "id",
        "name": "custom.name",
        "input": "custom.input",
        "arguments": "custom.input",
    },
}


def input_items(messages: Sequence[Json], context: Context, report: Report) -> InputItems:
    """Return the items of checked messages, in order.

    System messages stay items, because in `instructions` they would lose their place. Raises
    `InvalidRequest` and `UnsupportedParameter`, naming `messages[i]…`.
    """
    writer = _Writer(context, report)
    for position, message in enumerate(messages):
        writer.write(message, position)
    return writer.input


class _Writer:
    """Writes item after item, and keeps track of the calls."""

    def __init__(self, context: Context, report: Report) -> None:
        self.input = InputItems()
        self._context = context
        self._report = report
        self._kinds: dict[str, str] = {}
        """By call id, the kind of call as sent, which decides the type of its output."""
        self._calls = UnnamedCalls()

    def write(self, message: Json, position: int) -> None:
        """Write the items of one message."""
        path, role = f"messages[{position}]", message["role"]
        known, items = _MESSAGES[role], self.input.items
        first = len(items)
        if role == "assistant":
            self._assistant(message, path, position)
        elif role == "tool":
            self._output(message, path, self._calls.answered_by_tool(message, path))
        elif role == "function":
            self._output(message, path, self._calls.answered_by_function(path))
        else:
            self._message(message, path, role)
        if "name" in message and role != "function":
            self._report.drop(f"{path}.name")
        if known.names.issuperset(message):
            return
        item = next(each for each in items[first:] if each["type"] != "reasoning")
        if item["type"] not in _CALLS:
            self._carry(message, known, path, item)
        else:
            carry_unknown(message, known, path, self._context, self._report)

    def _carry(self, source: Json, known: Record, path: str, item: Json) -> None:
        """Pass unknown fields of the source on to the item that was made from it."""
        target = MESSAGE if item["type"] == "message" else ITEMS[item["type"]]
        carry_unknown(source, known, path, self._context, self._report, item, target.names)

    def _message(self, message: Json, path: str, role: str) -> None:
        content = message["content"]
        sent: str | list[Json]
        if isinstance(content, str):
            parts = _CONTENT
            sent = content if role == "user" else [{"type": "input_text", "text": content}]
        else:
            parts = _part_paths(content)
            sent = responses_input_parts(content, f"{path}.content", self._context, self._report)
        if role == "developer" and not self._context.capabilities.developer_role:
            self._report.change(f"{path}.role", role, "system")
            role = "system"
        item = {"type": "message", "role": role, "content": sent}
        self.input.add(item, path, _MESSAGE_FIELDS, parts)

    def _assistant(self, message: Json, path: str, position: int) -> None:
        if not _BESIDE_ANSWERS.isdisjoint(message):
            self._beside_answer(message, path)
        calls: Sequence[Json] = message.get("tool_calls", ())
        if message.get("content") or message.get("refusal") or not calls:
            self._answer(message, path, position)
        for k, call in enumerate(calls):
            call_id = self._calls.id_of(call, position, k)
            self._call(call, f"{path}.tool_calls[{k}]", call_id)
        if "function_call" in message:
            call_id = self._calls.id_of_function_call(position)
            self._legacy_call(message["function_call"], path, call_id)

    def _beside_answer(self, message: Json, path: str) -> None:
        """Write the reasoning, and report fields that requests have no place for."""
        if "audio" in message:
            unsupported(
                self._context,
                self._report,
                f"{path}.audio",
                "the model is served through the responses endpoint, which takes no audio.",
                droppable=False,
            )
        if not _REASONING_NAMES.isdisjoint(message):
            self._reasoning(message, path)
        for name in _OF_REPLIES:
            if message.get(name):
                self._report.drop(f"{path}.{name}")

    def _reasoning(self, message: Json, path: str) -> None:
        """Write the reasoning if the upstream takes it.

        A second field with the same text is left out, and so is the summary, which vLLM would take
        for the reasoning. The id is a hash of the text, so that the same history gives the same
        bytes.
        """
        given = {name: message[name] for name in _REASONING_FIELDS if message.get(name)}
        texts = [name for name in _REASONING_TEXTS if isinstance(given.get(name), str)]
        if texts and self._context.capabilities.reasoning_items:
            text: str = given[texts[0]]
            digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
            part = {"type": "reasoning_text", "text": text}
            item = {
                "type": "reasoning",
                "id": f"rs_{digest[:32]}",
                "summary": [],
                "content": [part],
            }
            self.input.add(item, path, {}, (texts[0],))
            for name in texts:
                if given[name] == text:
                    del given[name]
        for name in given:
            self._report.drop(f"{path}.{name}")

    def _answer(self, message: Json, path: str, position: int) -> None:
        """Write the assistant's content, if there is any: a single text as a string, else as parts.

        With parts, the message is written like an output item, with an id and a status.
        """
        content, refusal = message.get("content"), message.get("refusal")
        calls = "function_call" in message or bool(message.get("tool_calls"))
        sent: str | list[Json]
        if isinstance(content, list):
            sent = responses_output_parts(content, f"{path}.content", self._context, self._report)
            parts = _part_paths(content)
            if len(sent) == 1 and not refusal and is_text_only(sent[0]):
                sent = sent[0]["text"]
        else:
            sent, parts = content or "", _CONTENT
        if refusal:
            if isinstance(sent, str):
                sent, parts = ([output_text_part(sent)], parts) if sent else ([], ())
            sent, parts = [*sent, refusal_part(refusal)], (*parts, "refusal")
        if sent or not calls:
            item: Json = {"type": "message", "role": "assistant", "content": sent}
            if not isinstance(sent, str):
                item |= {"id": _message_id(position, sent), "status": "completed"}
            phase = message.get("phase")
            if isinstance(phase, str):
                item["phase"] = phase
            self.input.add(item, path, _MESSAGE_FIELDS, parts)

    def _call(self, call: Json, path: str, call_id: str) -> None:
        kind = call.get("type", "function")
        if kind not in _CALL_FIELDS:
            kind = _CALL_KIND.accept(kind, f"{path}.type")
        named: Json = call[kind]
        text: str = named["input" if kind == "custom" else "arguments"]
        sent_kind = kind
        if kind == "custom" and not self._context.capabilities.custom_tools:
            sent_kind, text = "function", wrapped_input(text)
        self._kinds[call_id] = sent_kind
        item = responses_call(sent_kind, named["name"], text, bounded_call_id(call_id))
        known = FUNCTION_CALL if kind == "function" else CUSTOM_CALL
        if not (TOOL_CALL.names.issuperset(call) and known.names.issuperset(named)):
            self._carry(call, TOOL_CALL, path, item)
            self._carry(named, known, f"{path}.{kind}", item)
        self.input.add(item, path, _CALL_FIELDS[kind])

    def _legacy_call(self, call: Json, path: str, call_id: str) -> None:
        item = responses_call("function", call["name"], call["arguments"], call_id)
        self._carry(call, FUNCTION_CALL, f"{path}.function_call", item)
        self.input.add(item, f"{path}.function_call", {"name": "name", "arguments": "arguments"})

    def _output(self, message: Json, path: str, call_id: str) -> None:
        content = message.get("content", "")
        if isinstance(content, str):
            parts = _CONTENT
            output: str | list[Json] = content
        else:
            parts = _part_paths(content)
            output = responses_input_parts(content, f"{path}.content", self._context, self._report)
        kind = self._kinds.get(call_id, "function")
        item = responses_call_output(kind, output, bounded_call_id(call_id))
        fields = _OUTPUT_FIELDS if "tool_call_id" in message else _RESULT_FIELDS
        self.input.add(item, path, fields, parts)


def _message_id(position: int, parts: Sequence[Json]) -> str:
    """Return an id that depends only on the message and its place, as prompt caches need it."""
    content = f"{position} {json.dumps(parts)}"
    return f"msg_{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _part_paths(content: Sequence[object]) -> tuple[str, ...]:
    return tuple(f"content[{k}]" for k in range(len(content)))
