"""Content parts of messages, translated between chat and responses.

Text, images, files and refusals are named and nested differently. Audio exists only in chat's
input; files by URL and images by file id exist only in the input of responses (OpenAI's OpenAPI
description, schemas `ChatCompletionRequestMessageContentPart…`, `InputContent`,
`OutputMessageContent`). Parts are translated one by one: part k of the client's is part k of the
upstream's.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.schema import chat_messages, responses_input
from gateway.translate.schema.checks import Check, OneOf, Record, String
from gateway.translate.schema.unknown_fields import carry_unknown

_CACHE_MARK = "prompt_cache_breakpoint"
_FILE_FIELDS = ("file_id", "filename", "file_data")

_USER_PART = Record({"type": OneOf("text", "image_url", "input_audio", "file")}, required=("type",))
_ASSISTANT_PART = Record({"type": OneOf("text", "refusal")}, required=("type",))
_INPUT_PART = Record(
    # Some clients send the assistant's type of text in every role.
    {"type": OneOf("input_text", "input_image", "input_file", "output_text", "text")},
    required=("type",),
)
_OUTPUT_PART = Record(
    {"type": OneOf("output_text", "refusal", "input_text", "text")}, required=("type",)
)
_CHAT_TEXT = frozenset({"text"})
RESPONSES_TEXTS = frozenset({"input_text", "output_text", "text"})
"""The types of text in responses, in any role."""
SEE_NEXT = {"image_url": "[image: see next message]", "file": "[file: see next message]"}
"""The text in a tool message of chat in place of a part that the next user message has."""
_TEXT = Record({"text": String()}, required=("text",))
_REFUSAL = Record({"refusal": String()}, required=("refusal",))
_IMAGE_URL = Record({"url": String(), "detail": String()}, required=("url",))
_IMAGE = Record({"image_url": _IMAGE_URL}, required=("image_url",))
_FILE_STRINGS: Mapping[str, Check] = {name: String() for name in _FILE_FIELDS}
_FILE = Record({"file": Record(_FILE_STRINGS)}, required=("file",))
_INPUT_IMAGE = Record({"image_url": String(), "file_id": String(), "detail": String()})
_INPUT_FILE = Record({**_FILE_STRINGS, "file_url": String(), "detail": String()})


def responses_input_parts(
    parts: Sequence[object], param: str, context: Context, report: Report
) -> list[Json]:
    """Return chat's parts of a user, system, developer or tool message as input parts.

    Raises `InvalidRequest` for an invalid part and `UnsupportedParameter` for audio, naming
    `param[k]`.
    """
    return [
        {"type": "input_text", "text": text}
        if (text := only_text(part, _CHAT_TEXT)) is not None
        else _responses_input_part(part, f"{param}[{k}]", context, report)
        for k, part in enumerate(parts)
    ]


def only_text(part: object, kinds: AbstractSet[str]) -> str | None:
    """Return the text of a part that has one of some types and no further content; else None."""
    if not isinstance(part, dict):
        return None
    kind, text = part.get("type"), part.get("text")
    if type(text) is not str or type(kind) is not str or kind not in kinds:
        return None
    if len(part) == 2:
        return text
    fields = responses_input.PARTS["output_text"].names
    has_more = kind != "output_text" or part.get("annotations") or not fields.issuperset(part)
    return None if has_more else text


def _responses_input_part(part: object, param: str, context: Context, report: Report) -> Json:
    known: Json = _USER_PART.accept(part, param)
    kind = known["type"]
    sent: Json
    if kind == "text":
        sent = {"type": "input_text", **_text(known, param)}
    elif kind == "image_url":
        image: Json = _IMAGE.accept(known, param)["image_url"]
        carry_unknown(image, chat_messages.IMAGE_URL, f"{param}.{kind}", context, report)
        detail = image.get("detail", "auto")
        sent = {"type": "input_image", "image_url": image["url"], "detail": detail}
    elif kind == "file":
        file: Json = _FILE.accept(known, param)["file"]
        carry_unknown(file, chat_messages.FILE, f"{param}.{kind}", context, report)
        sent = {"type": "input_file", **{name: file[name] for name in _FILE_FIELDS if name in file}}
    else:
        unsupported(
            context,
            report,
            param,
            "the model is served through the responses endpoint, which takes no audio.",
            droppable=False,
        )
        raise AssertionError("unsupported() raises when nothing may be dropped")
    return _finished(sent, known, param, context, report)


def responses_output_parts(
    parts: Sequence[object], param: str, context: Context, report: Report
) -> list[Json]:
    """Return chat's parts of an assistant message as output parts; raises `InvalidRequest`.

    In an assistant's message api.openai.com refuses `input_text` (openai-java#302).
    """
    return [
        output_text_part(text)
        if (text := only_text(part, _CHAT_TEXT)) is not None
        else _responses_output_part(part, f"{param}[{k}]", context, report)
        for k, part in enumerate(parts)
    ]


def _responses_output_part(part: object, param: str, context: Context, report: Report) -> Json:
    known: Json = _ASSISTANT_PART.accept(part, param)
    if known["type"] == "refusal":
        sent = refusal_part(_REFUSAL.accept(known, param)["refusal"])
    else:
        sent = output_text_part(_text(known, param)["text"])
    return _finished(sent, known, param, context, report)


def output_text_part(text: str) -> Json:
    """Return the part that holds text of an assistant in the *input* of responses."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def is_text_only(part: Json) -> bool:
    """Whether an assistant's part has nothing but its text."""
    return part == output_text_part(part.get("text", ""))


def refusal_part(refusal: str) -> Json:
    """Return the part that holds a refusal, the same in both shapes."""
    return {"type": "refusal", "refusal": refusal}


def chat_input_parts(
    parts: Sequence[object], param: str, context: Context, report: Report
) -> list[Json]:
    """Return responses' parts of a user or system message, or of a tool's output, as chat's.

    Raises `InvalidRequest` for an invalid part and `UnsupportedParameter` for a file by URL and an
    image by file id, naming `param[k]`. The detail `original`, which chat lacks, becomes `high`.
    """
    return [
        {"type": "text", "text": text}
        if (text := only_text(part, RESPONSES_TEXTS)) is not None
        else _chat_input_part(part, f"{param}[{k}]", context, report)
        for k, part in enumerate(parts)
    ]


def _chat_input_part(part: object, param: str, context: Context, report: Report) -> Json:
    known: Json = _INPUT_PART.accept(part, param)
    kind = known["type"]
    if kind == "input_image":
        sent = _chat_image(known, param, context, report)
    elif kind == "input_file":
        sent = _chat_file(known, param, context, report)
    else:
        sent = {"type": "text", **_text(known, param)}
    return _finished(sent, known, param, context, report)


def _chat_image(part: Json, param: str, context: Context, report: Report) -> Json:
    part = _INPUT_IMAGE.accept(part, param)
    if "image_url" not in part:
        unsupported(
            context,
            report,
            param,
            _taken(report, "images by URL only"),
            droppable=False,
        )
    if "file_id" in part:
        report.drop(f"{param}.file_id")
    image = {"url": part["image_url"]}
    if "detail" in part:
        image["detail"] = part["detail"]
    if image.get("detail") == "original":
        image["detail"] = "high"
        report.change(f"{param}.detail", "original", "high")
    return {"type": "image_url", "image_url": image}


def _chat_file(part: Json, param: str, context: Context, report: Report) -> Json:
    part = _INPUT_FILE.accept(part, param)
    file = {name: part[name] for name in _FILE_FIELDS if name in part}
    if "file_url" in part or not file:
        unsupported(
            context,
            report,
            param,
            _taken(report, "files as 'file_data' or 'file_id' only"),
            droppable=False,
        )
    if part.get("detail", "auto") != "auto":
        report.drop(f"{param}.detail")
    return {"type": "file", "file": file}


def _taken(report: Report, by_chat: str) -> str:
    """Return the reason for refusing a part: what chat takes, or the endpoint behind the pivot."""
    taken = by_chat if report.target is Shape.CHAT else "text only"
    return f"the model is served through the {report.target} endpoint, which takes {taken}."


class AssistantTexts(NamedTuple):
    """The texts and the refusals of an assistant's message, part by part."""

    texts: Sequence[str]
    refusals: Sequence[str]


def assistant_texts(
    parts: Sequence[object], param: str, context: Context, report: Report
) -> AssistantTexts:
    """Return the texts and the refusals of the responses' parts of an assistant message.

    Raises `InvalidRequest` naming `param[k]`.
    """
    texts: list[str] = []
    refusals: list[str] = []
    for k, part in enumerate(parts):
        text = only_text(part, RESPONSES_TEXTS)
        if text is not None:
            texts.append(text)
            continue
        path = f"{param}[{k}]"
        known: Json = _OUTPUT_PART.accept(part, path)
        if known["type"] == "refusal":
            refusals.append(_REFUSAL.accept(known, path)["refusal"])
        else:
            texts.append(_text(known, path)["text"])
        carry_unknown(known, responses_input.PARTS[known["type"]], path, context, report)
        for name in (_CACHE_MARK, "annotations"):
            if known.get(name):
                report.drop(f"{path}.{name}")
    return AssistantTexts(texts, refusals)


def _text(part: Json, param: str) -> Json:
    return {"text": _TEXT.accept(part, param)["text"]}


def _finished(sent: Json, original: Json, param: str, context: Context, report: Report) -> Json:
    """Return the sent part with the original's cache mark and unknown fields, where allowed."""
    theirs: Mapping[str, Record] = chat_messages.PARTS
    ours: Mapping[str, Record] = responses_input.PARTS
    if report.source is Shape.RESPONSES:
        theirs, ours = ours, theirs
    target = ours[sent["type"]].fields
    if _CACHE_MARK in original:
        if _CACHE_MARK in target:
            sent[_CACHE_MARK] = original[_CACHE_MARK]
        else:
            report.drop(f"{param}.{_CACHE_MARK}")
    if original.get("annotations"):
        report.drop(f"{param}.annotations")
    known = theirs[original["type"]]
    carry_unknown(original, known, param, context, report, sent, target.keys())
    return sent


_CHAT_PATHS = {
    "input_image": {"image_url": "image_url.url", "detail": "image_url.detail"},
    "input_file": {name: f"file.{name}" for name in _FILE_FIELDS},
}


def chat_part_field(part: Json, name: str) -> str:
    """Return chat's path, below the part, of a field of one of the responses' parts."""
    return _CHAT_PATHS.get(str(part.get("type")), {}).get(name, name)
