"""What Anthropic refuses in earlier messages that another model, or its server, has written.

A user can change the model within a conversation, as with Claude Code's `/model`. Ids such as
Kimi's (`functions.f:0`), and the blank texts that Qwen's models write before a call, come back with
each turn, so that every further turn would be refused (cc-switch#1181, claude-code#23390). Claude
Code itself has kept empty texts, with a mark for the cache (claude-code#59294), and empty replies
(claude-code#4416). Relays to Claude refuse all of these at chat in the same words (opencode#31259).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from gateway.shapes import Json

USE_ID: Final = "tool_use.id"
TEXTS: Final = "content[text]"

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_REFUSED_ID = re.compile(
    r"messages\.\d{1,6}\.content\.\d{1,6}\."
    r"(?:tool_use\.id|tool_result\.tool_use_id): String should match pattern|"
    r"messages(?:\.\d{1,6}\.content\.\d{1,6})?: `?tool_use`? ids must be unique"
)
_BLANK = re.compile(
    r"(?:messages|system)[\w.]{0,100}: (?:"
    r"text content blocks must (?:contain non-whitespace|be non-)|"
    r"all messages must have non-empty content except|"
    r"cache_control cannot be set for empty text blocks)"
)
_LETTERS = 32
_ID_OF = {"tool_use": "id", "tool_result": "tool_use_id"}
_OF_RESULTS = ("tool", "function")
"""The roles of chat messages that must stay, whatever they say."""


def refused_block(message: str) -> str | None:
    """Return what an error's text refuses: the ids of calls, or blank texts; None: neither."""
    if _REFUSED_ID.match(message):
        return USE_ID
    return TEXTS if _BLANK.match(message) else None


def safe_use_id(call_id: str, occurrence: int = 1) -> str:
    """Return the id to send for a call: its own if Anthropic accepts it, or else a hash.

    `occurrence` counts the calls with the same id, from 1: later ones need ids of their own. The
    same arguments give the same id in each turn.
    """
    if occurrence == 1 and _ID.fullmatch(call_id):
        return call_id
    seed = call_id if occurrence == 1 else f"{call_id} {occurrence}"
    return f"toolu_{hashlib.sha256(seed.encode('utf-8', 'replace')).hexdigest()[:_LETTERS]}"


def with_safe_ids(messages: list[object]) -> Iterator[object]:
    """Yield the messages of a messages body with ids of calls that Anthropic accepts.

    Results get the ids of their calls. The given messages stay unchanged.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(message, dict) and isinstance(content, list):
            yield {**message, "content": [_with_safe_id(block, seen) for block in content]}
        else:
            yield message


def _with_safe_id(block: object, seen: Counter[tuple[str, str]]) -> object:
    """Return a block with a safe id; `seen` counts the calls, and the results, with each id."""
    name = _ID_OF.get(str(block.get("type"))) if isinstance(block, dict) else None
    if not isinstance(block, dict) or name is None or not isinstance(block.get(name), str):
        return block
    key = (name, block[name])
    seen[key] += 1
    return {**block, name: safe_use_id(block[name], seen[key])}


def without_blank_texts(body: Json) -> None:
    """Leave blank texts out of a messages or chat body, and messages that then say nothing.

    If no message would be left, or the last one would be the assistant's because the user's after
    it is left out, all of them stay. The given messages themselves are not changed.
    """
    given = body.get("messages")
    if isinstance(given, list):
        said = list(_said(given))
        goes_on = said and (_is_assistants(given[-1]) or not _is_assistants(said[-1]))
        body["messages"] = said if goes_on else given
    system = body.get("system")
    if system is not None and not (rest := _not_blank(system)):
        del body["system"]
    elif system is not None:
        body["system"] = rest


_NOTHING: Final[tuple[object, ...]] = ("", [])


def _is_assistants(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant"


def _said(messages: Iterable[object]) -> Iterator[object]:
    for message in messages:
        if not isinstance(message, dict) or message.get("role") in _OF_RESULTS:
            yield message
            continue
        content = message.get("content")
        rest = _not_blank(content)
        if rest == content and content not in _NOTHING:
            yield message
        elif rest or message.get("tool_calls"):
            yield {**message, "content": rest or None}


def _not_blank(content: object) -> object:
    """Return a content without blank texts, also within results."""
    if isinstance(content, str):
        return content if content.strip() else ""
    if not isinstance(content, list):
        return content
    return [_result_said(block) for block in content if not _is_blank(block)]


def _is_blank(block: object) -> bool:
    if not isinstance(block, dict) or block.get("type") != "text":
        return False
    text = block.get("text")
    return isinstance(text, str) and not text.strip()


def _result_said(block: object) -> object:
    if not isinstance(block, dict) or not isinstance(block.get("content"), list):
        return block
    return {**block, "content": _not_blank(block["content"])}
