"""Content parts of chat and of responses as content blocks of messages."""

from collections.abc import Mapping, Sequence

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.to_messages.conversation import Block
from gateway.translate.parts.to_messages.files import document_source, image_source, not_taken
from gateway.translate.schema import chat_messages, responses_input
from gateway.translate.schema.checks import Anything, Record
from gateway.translate.schema.unknown_fields import carry_unknown

EPHEMERAL: Mapping[str, str] = {"type": "ephemeral"}
"""The `cache_control` that marks the end of the cached prefix."""

_MARKS = ("cache_control", "prompt_cache_breakpoint")
_MARKING = frozenset(_MARKS)


def _marked(parts: Mapping[str, Record]) -> Mapping[str, Record]:
    marks = dict.fromkeys((*_MARKS, "annotations"), Anything())
    return {kind: Record({**marks, **known.fields}) for kind, known in parts.items()}


_CHAT_PARTS = _marked(chat_messages.PARTS)
_RESPONSES_PARTS = _marked(responses_input.PARTS)


def text_block(text: str, path: str, of: str = "content") -> list[Block]:
    """Return a text as a block, or nothing if it is blank: Anthropic refuses blank texts.

    `of` is the path of the text below the client's `path`; empty: the text is at `path` itself.
    """
    if not text or text.isspace():
        return []
    return [Block({"type": "text", "text": text}, path, {"text": of} if of else {})]


def cached(source: Json) -> Json:
    """Return the cache mark of a part, a message or a tool, as a field; empty: it has none."""
    if _MARKING.isdisjoint(source):
        return {}
    control = source.get("cache_control")
    if isinstance(control, dict):
        return {"cache_control": control}
    return {"cache_control": dict(EPHEMERAL)} if "prompt_cache_breakpoint" in source else {}


def mark_last(blocks: Sequence[Block], source: Json) -> None:
    """Copy the cache mark of a message to the last of the blocks that were made from it."""
    if blocks and not _MARKING.isdisjoint(source):
        blocks[-1].sent |= cached(source)


def _mark(blocks: Sequence[Block], part: Json, path: str, report: Report) -> None:
    """Copy the cache mark of a part to its last block; a `ttl` has no place, and is reported."""
    mark_last(blocks, part)
    if "ttl" in part.get("prompt_cache_breakpoint", ()):
        report.drop(f"{path}.prompt_cache_breakpoint.ttl")


def chat_blocks(content: object, path: str, context: Context, report: Report) -> list[Block]:
    """Return the checked content of a chat message of any role at `path` as blocks.

    Raises `UnsupportedParameter` for audio, and for pictures and files that are not taken.
    """
    if not isinstance(content, list):
        return text_block(str(content or ""), path)
    blocks: list[Block] = []
    for position, part in enumerate(content):
        place = f"{path}.content[{position}]"
        made = _chat_block(part, place, context, report)
        known = _CHAT_PARTS[part["type"]]
        if not known.names.issuperset(part):
            carry_unknown(part, known, place, context, report)
        _mark(made, part, place, report)
        blocks += made
    return blocks


def _chat_block(part: Json, path: str, context: Context, report: Report) -> list[Block]:
    kind = part["type"]
    if kind in ("text", "refusal"):
        return text_block(part[kind], path, kind)
    if kind == "image_url":
        image: Json = part[kind]
        inner = f"{path}.{kind}"
        carry_unknown(image, chat_messages.IMAGE_URL, inner, context, report)
        _drop_detail(image, inner, report)
        source = image_source(image["url"], f"{inner}.url", context)
        return [Block({"type": "image", "source": source}, path, {"source": f"{kind}.url"})]
    if kind == "file":
        file: Json = part[kind]
        inner = f"{path}.{kind}"
        carry_unknown(file, chat_messages.FILE, inner, context, report)
        return [_document(file, inner, context, report)]
    raise _no_audio(path, context)


def responses_blocks(content: object, path: str, context: Context, report: Report) -> list[Block]:
    """Return the checked content of an item as blocks; `path` is the path of the content.

    Raises `UnsupportedParameter` for pictures and files that are not taken.
    """
    if not isinstance(content, list):
        return text_block(str(content), path, "")
    blocks: list[Block] = []
    for position, part in enumerate(content):
        place = f"{path}[{position}]"
        made = _responses_block(part, place, context, report)
        known = _RESPONSES_PARTS[part["type"]]
        if not known.names.issuperset(part):
            carry_unknown(part, known, place, context, report)
        if part.get("annotations"):
            report.drop(f"{place}.annotations")
        _mark(made, part, place, report)
        blocks += made
    return blocks


def _responses_block(part: Json, path: str, context: Context, report: Report) -> list[Block]:
    kind = part["type"]
    if kind == "input_image":
        _drop_detail(part, path, report)
        if "image_url" not in part:
            raise _no_file_id(path, context)
        if "file_id" in part:
            report.drop(f"{path}.file_id")
        source = image_source(part["image_url"], f"{path}.image_url", context)
        return [Block({"type": "image", "source": source}, path, {"source": "image_url"})]
    if kind == "input_file":
        _drop_detail(part, path, report)
        return [_document(part, path, context, report)]
    name = "refusal" if kind == "refusal" else "text"
    return text_block(part[name], path, name)


def _document(file: Json, path: str, context: Context, report: Report) -> Block:
    """Return a file as a document; `path` is the path of the object with the file's fields."""
    if "file_data" in file:
        given = "file_data"
        source = document_source(file[given], f"{path}.{given}", context)
    elif "file_url" in file:
        given = "file_url"
        source = {"type": "url", "url": file[given]}
    else:
        raise _no_file_id(path, context)
    if "file_id" in file:
        report.drop(f"{path}.file_id")
    block: Json = {"type": "document", "source": source}
    if file.get("filename"):
        block["title"] = file["filename"]
    return Block(block, path, {"source": given, "title": "filename"})


def _drop_detail(image: Json, path: str, report: Report) -> None:
    if image.get("detail", "auto") != "auto":
        report.drop(f"{path}.detail")


def _no_file_id(path: str, context: Context) -> UnsupportedParameter:
    return not_taken(path, context, "contents as data or by URL, and no files of another service")


def _no_audio(path: str, context: Context) -> UnsupportedParameter:
    return not_taken(path, context, "no audio")
