"""Items of a responses request without an equivalent in chat: dropped or refused."""

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import HOSTED_TOOLS, Context, Report, refused, unsupported
from gateway.translate.responses_via_chat.compaction import TRIGGER
from gateway.translate.schema.responses_input import is_record


def pass_over(item: Json, path: str, context: Context, report: Report) -> None:
    """Drop or refuse an item without an equivalent; raises `UnsupportedParameter`."""
    passing = pass_over_record if is_record(item) else pass_over_foreign
    passing(item, path, context, report)


def pass_over_record(item: Json, path: str, context: Context, report: Report) -> None:
    """Drop the record of a hosted tool.

    Raises `UnsupportedParameter` for `hosted_tools: refuse`, and by default for an approval, which
    asks for a call that is still to be made.
    """
    setting = context.settings.hosted_tools
    is_done = item["type"] != "mcp_approval_response"
    if setting == "drop" or (setting == "auto" and is_done):
        report.drop(path)
        return
    raise refused(context, path, _reason(item, report), HOSTED_TOOLS)


def pass_over_foreign(item: Json, path: str, context: Context, report: Report) -> None:
    """Drop or refuse an item that only responses have; raises `UnsupportedParameter`.

    A trigger is never dropped: without a compaction the reply would be useless.
    """
    droppable = item["type"] != TRIGGER
    unsupported(context, report, path, _reason(item, report), droppable=droppable)


def pass_over_compaction(item: Json, path: str, context: Context, report: Report) -> None:
    """Drop or refuse an unreadable compaction; raises `UnsupportedParameter`."""
    sealed = item.get("encrypted_content")
    if context.seal is not None and isinstance(sealed, str) and context.seal.is_own(sealed):
        origin = (
            "that a gateway has sealed for another caller, or under another secret. Use the key "
            "that it was made with, let the gateway's operator configure one 'secret'"
        )
    else:
        origin = (
            "that this gateway has not made: only the service that made it can read it, and the "
            f"model is served through the {report.target} endpoint. Continue with a model of that "
            "service"
        )
    reason = (
        f"it is a compaction of earlier messages {origin}, or send those messages, or a summary of "
        "them, instead."
    )
    unsupported(context, report, path, reason)


def pass_over_names(output: Json, path: str, report: Report) -> None:
    """Drop the names in an output: the names in its call count."""
    for name in ("name", "namespace"):
        if name in output:
            report.drop(f"{path}.{name}")


def unknown_reference(item: Json, path: str) -> UnsupportedParameter:
    """Return the error for a reference to an item that was not found in a store."""
    return UnsupportedParameter(
        f"'{path}' refers to the stored item '{item['id'][:100]}', but no responses of this "
        "model are stored. Send the item itself, as clients do once 'store' is false in them; on "
        "a WebSocket, 'previous_response_id' continues its responses, whatever 'store' says. Or "
        "let the gateway's operator switch the store on (responses.store: memory://).",
        param=path,
    )


def _reason(item: Json, report: Report) -> str:
    return (
        f"it is of type '{item['type']}', and the model is served through the "
        f"{report.target} endpoint, which has no equivalent."
    )
