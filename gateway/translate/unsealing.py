"""What the gateway has sealed, taken out of a request that goes to a responses endpoint as it is.

A client may go on with a conversation at a model that lives there. Such a server can read nothing
of it, and refuses it.
"""

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.responses_via_chat.compaction import summary_of


def unsealed(body: Json, context: Context, report: Report) -> Json:
    """Return a responses request without sealed content of the gateway's.

    Reasoning stays as far as it is text that the server has a place for. A compaction becomes a
    message with its summary.
    """
    given = body.get("input")
    if context.seal is None or not isinstance(given, list):
        return body
    items: list[object] = []
    for position, item in enumerate(given):
        kept = _unsealed(item, f"input[{position}]", context, report)
        items += [] if kept is None else [kept]
    return {**body, "input": items}


def _unsealed(item: object, path: str, context: Context, report: Report) -> object | None:
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
