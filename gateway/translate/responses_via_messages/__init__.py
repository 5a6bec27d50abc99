"""Responses clients with models that live at the messages endpoint only."""

from functools import partial

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.responses_via_messages.reply import fold_replies, new_stream
from gateway.translate.responses_via_messages.request import prepare


def translate(body: Json, context: Context) -> Translation:
    """Translate a responses request for a messages endpoint.

    `body` is not changed. Raises `InvalidRequest` or `UnsupportedParameter`, naming the client's
    parameter.
    """
    report = Report(Shape.RESPONSES, Shape.MESSAGES, items=context.items)
    try:
        request = prepare(body, context, report)
    except InvalidRequest as error:
        if context.items is None or error.param is None:
            raise
        raise error.renamed(context.items.client_path(error.param)) from None
    return PairTranslation(
        request,
        context,
        report,
        partial(fold_replies, report=report),
        partial(new_stream, report=report),
    )
