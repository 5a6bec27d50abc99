"""Responses requests at the chat endpoint: translated as such, but answered in chat's shape.

These are two translations in a row, with responses as the pivot. The inner one is that of a
responses client. The outer one folds its replies as replies of a responses endpoint are folded for
chat clients.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.as_chat.responses_body import ResponsesBody, for_responses
from gateway.translate.chat_via_responses.client_paths import InputItems
from gateway.translate.chat_via_responses.reply import fold_replies
from gateway.translate.chat_via_responses.request import PreparedRequest
from gateway.translate.chat_via_responses.stream import ChatStream
from gateway.translate.chat_via_responses.tools import ToolPlan
from gateway.translate.composed import Composed
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.pair import PairTranslation
from gateway.translate.parts.tools.names import names_of
from gateway.translate.schema.responses import ENCRYPTED_REASONING, LOGPROBS


@dataclass(slots=True)
class _Prepared(PreparedRequest):
    """The facts that the fold of replies needs of a body written for responses."""

    request: ResponsesBody

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of a parameter that was sent; nearly all are the same."""
        return None if param is None else self.request.client_path(param)


def translate(
    inner: Callable[[Json, Context], Translation], body: Json, context: Context, home: Shape
) -> Translation:
    """Translate a chat client's body in the shape of responses; `inner` translates such bodies.

    `body` is not changed. Raises `InvalidRequest` and its kinds, naming the client's parameter.
    """
    request = for_responses(body)
    try:
        translation = inner(request.sent, context)
    except InvalidRequest as error:
        if error.param is None:
            raise
        raise error.renamed(request.client_path(error.param)) from None
    report = Report(Shape.CHAT, Shape.RESPONSES, body=Shape.RESPONSES)
    if request.wants_encrypted:
        report.drop(f"include[{ENCRYPTED_REASONING}]")
    outer = PairTranslation(
        _prepared(request),
        context,
        report,
        partial(fold_replies, report=report),
        partial(ChatStream, report=report),
    )
    return Composed(outer, [translation], home)


def _prepared(request: ResponsesBody) -> _Prepared:
    """Return the facts that the fold needs.

    Calls of custom tools become calls of functions, with the bare text: Cursor reads no others.
    """
    sent = request.sent
    return _Prepared(
        client=_as_chat(sent),
        calls=(sent,),
        input=InputItems(),
        tools=ToolPlan(names=names_of(sent)),
        stops=(),
        top_logprobs=_top_logprobs(sent),
        include_usage=request.include_usage,
        raised_limit=None,
        request=request,
    )


def _as_chat(sent: Json) -> Json:
    """Return the parameters that decide how a reply is folded, in chat's form."""
    client: Json = {name: sent[name] for name in ("moderation",) if sent.get(name) is not None}
    text = sent.get("text")
    form: Any = text.get("format") if isinstance(text, dict) else None
    if isinstance(form, dict) and form.get("type"):
        client["response_format"] = form
    return client


def _top_logprobs(sent: Json) -> int | None:
    include, top = sent.get("include"), sent.get("top_logprobs")
    if not isinstance(include, Sequence) or LOGPROBS not in include:
        return None
    return top if isinstance(top, int) else 0
