"""Takes content that the gateway has sealed out of a request to a responses endpoint.

A client may continue a conversation with a model that lives there. Its server cannot read sealed
content, and refuses it.
"""

from typing import Any

from gateway.shapes import ItemNames, Json
from gateway.translate.contract import Context, Report
from gateway.translate.responses_via_chat.compaction import summary_of


def unsealed(body: Json, context: Context, report: Report) -> tuple[Json, ItemNames | None]:
    """Return a responses request without sealed content, and the client's names of its items.

    The names are those of the items that are left; None: none has moved. Reasoning stays as
    readable text if the server has a field for it. A compaction becomes a user's message with its
    summary.
    """
    given = body.get("input")
    if context.seal is None or not isinstance(given, list):
        return body, context.items
    items: list[Any] = []
    names: list[int | str] = []
    known = range(len(given)) if context.items is None else context.items.items
    for position, (item, name) in enumerate(zip(given, known, strict=True)):
        kept = _unsealed(item, f"input[{position}]", context, report)
        if kept is None:
            continue
        items.append(kept)
        # A message in place of another item has other parts: errors name the whole item.
        in_place = isinstance(name, str) or kept is item or kept["type"] != "message"
        names.append(name if in_place else f"input[{name}]")
    moved = names != list(range(len(given)))
    return {**body, "input": items}, ItemNames(names) if moved else None


def _unsealed(item: Any, path: str, context: Context, report: Report) -> Any:
    sealed = item.get("encrypted_content") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(sealed, str) or context.seal is None:
        return item
    if context.seal.open(sealed) is None:
        if not context.seal.is_own(sealed):
            return item
    elif (summary := summary_of(item, context)) is not None:
        report.rename(path, "message")
        return {"type": "message", "role": "user", "content": summary}
    readable = context.capabilities.reasoning_field is not None
    if (
        readable
        and item.get("type") == "reasoning"
        and (item.get("content") or item.get("summary"))
    ):
        report.drop(f"{path}.encrypted_content")
        return {name: value for name, value in item.items() if name != "encrypted_content"}
    report.drop(path)
    return None
