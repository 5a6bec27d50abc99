"""What agents send each turn: the whole conversation so far, with calls, results and tools.

The same conversation in three shapes, each as its clients write it: the OpenAI SDK's chat, Codex's
responses, Claude Code's messages. Nothing is random: the same arguments give the same bytes.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from gateway.shapes import Json, Shape

_SYSTEM = (
    "You are a coding agent in a terminal. Read before you write, keep changes small, run the "
    'tests, and say what you did. Never run "git push".\n'
) * 12
_SOURCE_LINES = (
    "    async def handler_{0}(self, request: Request) -> Response:",
    '        """Answer `GET /v1/items/{0}`: the item, or 404."""',
    '        found = await self._store.get(f"item-{{request.id}}", default=None)',
    "        if found is None:",
    '            raise NotFound(f"no item → {0}")',
    "        return Response(200, found.encode(), {{'x-count': '{0}'}})",
    "",
)
_VERBS = ("read", "write", "list", "search", "run", "move")
_NOUNS = ("file", "folder", "symbol", "process", "branch")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation of an agent: what it asks for, its calls, their results, and its tools.

    Each turn is one call with its result of about `result_bytes`; before every tenth the user says
    something.
    """

    turns: int
    tools: int
    result_bytes: int

    def body(self, shape: Shape, model: str, *, streamed: bool = False) -> bytes:
        """Return the request. Raises `KeyError` for a shape without tools."""
        request = {"model": model, **_WRITERS[shape](self)}
        if streamed:
            request["stream"] = True
        return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()

    def turns_around(self, count: int) -> "list[Conversation]":
        """Return so many of its turns, one longer than the other; this one is in the middle."""
        first = self.turns - count // 2
        return [replace(self, turns=first + number) for number in range(count)]

    def calls(self) -> Iterator[tuple[int, str, str, str]]:
        """Yield number, tool, arguments (JSON) and result of each call."""
        for number in range(self.turns):
            arguments = {"path": f"src/module_{number}/handlers.py", "offset": number, "limit": 200}
            yield (
                number,
                _tool_name(number % max(self.tools, 1)),
                json.dumps(arguments),
                _source(number, self.result_bytes),
            )


AGENT_TURN = Conversation(turns=60, tools=30, result_bytes=1050)
"""60 calls with results and 30 tools: 110 KB."""
AGENT_TURNS = 60
"""The turns that the bench's agents send of it: 60 to 160 KB. Then they begin again."""


def small_turns(count: int) -> Conversation:
    """Return so many turns of half a kilobyte each, with four tools."""
    return Conversation(count, tools=4, result_bytes=220)


def _tool_name(number: int) -> str:
    verb, noun = _VERBS[number % len(_VERBS)], _NOUNS[number // len(_VERBS) % len(_NOUNS)]
    return f"{verb}_{noun}"


def _source(number: int, size: int) -> str:
    lines: list[str] = []
    while size > 0:
        line = _SOURCE_LINES[len(lines) % len(_SOURCE_LINES)].format(number * 7 + len(lines))
        lines.append(line)
        size -= len(line) + 1
    return "\n".join(lines)


def _user(number: int) -> str:
    return f"Now look at module_{number} as well: which of its handlers can fail, and how?"


def _tools(count: int) -> Iterator[tuple[str, str, Json]]:
    """Yield name, description and JSON schema of each tool."""
    for number in range(count):
        name = _tool_name(number)
        verb, _, noun = name.partition("_")
        described = f"{verb.capitalize()} a {noun} of the workspace. Paths are relative to its root"
        yield name, f"{described}; what lies outside is refused.", _schema(noun)


@cache
def _schema(noun: str) -> Json:
    text: Json = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "path": {**text, "description": f"The path of the {noun}."},
            "offset": {"type": "integer", "description": "The first line.", "minimum": 0},
            "limit": {"type": "integer", "description": "How many lines at most.", "minimum": 1},
            "mode": {**text, "enum": ["exact", "fuzzy"], "description": "How names are compared."},
            "filters": {
                "type": "array",
                "description": "What is left out.",
                "items": {
                    "type": "object",
                    "properties": {"glob": text, "negated": {"type": "boolean"}},
                    "required": ["glob"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["path"],
        "additionalProperties": False,
    }


def _chat(conversation: Conversation) -> Json:
    messages: list[Json] = [{"role": "system", "content": _SYSTEM}]
    for number, name, arguments, result in conversation.calls():
        if number % 10 == 0:
            messages.append({"role": "user", "content": _user(number)})
        function = {"name": name, "arguments": arguments}
        call = {"id": f"call_{number:024d}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    tools = [
        {
            "type": "function",
            "function": {"name": name, "description": described, "parameters": schema},
        }
        for name, described, schema in _tools(conversation.tools)
    ]
    return {
        "messages": messages,
        "tools": tools,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "max_completion_tokens": 32_000,
    }


def _responses(conversation: Conversation) -> Json:
    items: list[Json] = []
    for number, name, arguments, result in conversation.calls():
        if number % 10 == 0:
            said = [{"type": "input_text", "text": _user(number)}]
            items.append({"type": "message", "role": "user", "content": said})
        call_id = f"call_{number:024d}"
        call = {"type": "function_call", "name": name, "arguments": arguments, "call_id": call_id}
        items.append(call)
        items.append({"type": "function_call_output", "call_id": call_id, "output": result})
    tools = [
        {
            "type": "function",
            "name": name,
            "description": described,
            "strict": False,
            "parameters": schema,
        }
        for name, described, schema in _tools(conversation.tools)
    ]
    return {
        "instructions": _SYSTEM,
        "input": items,
        "tools": tools,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0199c0de-0000-7000-8000-000000000000",
    }


def _messages(conversation: Conversation) -> Json:
    cached = {"cache_control": {"type": "ephemeral"}}
    messages: list[Json] = []
    blocks: list[Json] = []
    for number, name, arguments, result in conversation.calls():
        if number % 10 == 0:
            blocks.append({"type": "text", "text": _user(number)})
        call_id = f"toolu_{number:024d}"
        call = {"type": "tool_use", "id": call_id, "name": name, "input": json.loads(arguments)}
        messages.append({"role": "user", "content": blocks})
        messages.append({"role": "assistant", "content": [call]})
        blocks = [{"type": "tool_result", "tool_use_id": call_id, "content": result}]
    blocks[-1] |= cached
    messages.append({"role": "user", "content": blocks})
    tools: list[Json] = [
        {"name": name, "description": described, "input_schema": schema}
        for name, described, schema in _tools(conversation.tools)
    ]
    tools[-1] |= cached
    return {
        "max_tokens": 32_000,
        "system": [{"type": "text", "text": _SYSTEM, **cached}],
        "messages": messages,
        "tools": tools,
        "metadata": {"user_id": "user_0123456789abcdef_account__session_0199c0de"},
    }


_WRITERS: dict[Shape, Callable[[Conversation], Json]] = {
    Shape.CHAT: _chat,
    Shape.RESPONSES: _responses,
    Shape.MESSAGES: _messages,
}
