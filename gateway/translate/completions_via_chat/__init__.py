"""Completions clients on models that live at the chat endpoint."""

from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat.reply import fold_nothing, fold_replies
from gateway.translate.completions_via_chat.request import TABLE, PreparedRequest, read_plan
from gateway.translate.completions_via_chat.stream import CompletionsStream
from gateway.translate.completions_via_chat.upstream_bodies import upstream_bodies
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.schema.checks import check


def translate(body: Json, context: Context) -> Translation:
    """Translate a completions request for a chat endpoint.

    `body` is not changed. Raises `InvalidRequest` for a request that is wrong and
    `UnsupportedParameter` for one that chat cannot express; both name the client's parameter.
    """
    report = Report(Shape.COMPLETIONS, Shape.CHAT)
    checked = check(body, TABLE)
    plan = read_plan(checked, context, report)
    calls = upstream_bodies(checked, plan, context, report)
    return PairTranslation(
        PreparedRequest(plan, calls, report),
        context,
        report,
        fold_replies,
        CompletionsStream,
        local_reply=None if calls else fold_nothing(plan, context),
    )
