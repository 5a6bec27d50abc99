"""Items of a responses request that no chat message can be made of: dropped or refused."""

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context, Report, unsupported
from gateway.translate.responses_via_chat.compaction import TRIGGER


def pass_over_record(item: Json, path: str, context: Context, report: Report) -> None:
    """Drop what a hosted tool did; an approval asks for something yet to be done.

    Raises `UnsupportedParameter` where the settings do not let it go.
    """
    setting = context.settings.hosted_tools
    done = item["type"] != "mcp_approval_response"
    if setting == "drop" or (setting == "auto" and done):
        report.drop(path)
        return
    raise UnsupportedParameter(
        f"'{path}' is not supported for model '{context.model_asked}': "
        f"{_reason(item, report)} Remove it, or set hosted_tools=drop for this model.",
        param=path,
    )


def pass_over_foreign(item: Json, path: str, context: Context, report: Report) -> None:
    """Drop or refuse what only the responses API has; raises `UnsupportedParameter`.

    Without the compaction that it asks for, a reply would be of no use.
    """
    droppable = item["type"] != TRIGGER
    unsupported(context, report, path, _reason(item, report), droppable=droppable)


def pass_over_compaction(item: Json, path: str, context: Context, report: Report) -> None:
    """Drop or refuse a compaction that cannot be read; raises `UnsupportedParameter`."""
    sealed = item.get("encrypted_content")
    if context.seal is not None and isinstance(sealed, str) and context.seal.is_own(sealed):
        made = (
            "that a gateway has sealed for another caller, or under another secret. Use the key "
            "that it was made with, let the gateway's operator configure one 'secret'"
        )
    else:
        made = (
            "that this gateway has not made: only the service that has can read what is in it, and "
            f"the model is served through the {report.target} endpoint. Go on with a model there"
        )
    reason = (
        f"it is a compaction of earlier messages {made}, or send those messages, or a summary of "
        "them, in its place."
    )
    unsupported(context, report, path, reason)


def unknown_reference(item: Json, path: str) -> UnsupportedParameter:
    """Return the error for a reference to an item that no store has resolved."""
    return UnsupportedParameter(
        f"'{path}' refers to the stored item '{item['id'][:100]}', but no responses of this "
        "model are stored. Set 'store' to false in the client, so that it sends the items "
        "themselves; or let the gateway's operator switch the store on (responses.store: "
        "memory://).",
        param=path,
    )


def _reason(item: Json, report: Report) -> str:
    return (
        f"it is of type '{item['type']}', and the model is served through the "
        f"{report.target} endpoint, which has no equivalent."
    )
