"""Responses clients with models that live at the chat endpoint."""

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.responses_via_chat.output.reply import fold_replies, new_stream
from gateway.translate.responses_via_chat.request import prepare


def translate(body: Json, context: Context) -> Translation:
    """Translate a responses request for a chat endpoint.

    `body` is not changed. Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's
    parameter.
    """
    home = Shape.COMPLETIONS if context.is_pivot else Shape.CHAT
    report = Report(Shape.RESPONSES, home, items=context.items)
    try:
        request = prepare(body, context, report)
    except InvalidRequest as error:
        if context.items is None or error.param is None:
            raise
        raise error.renamed(context.items.client_path(error.param)) from None
    return PairTranslation(request, context, report, fold_replies, new_stream)
