"""Completions clients on models that live at the chat endpoint."""

import re
from collections.abc import Sequence

from gateway.shapes import Json, Shape
from gateway.translate.completions_via_chat.reply import fold, fold_nothing
from gateway.translate.completions_via_chat.request import TABLE, Plan, read_plan
from gateway.translate.completions_via_chat.stream import CompletionsStream
from gateway.translate.completions_via_chat.upstream_bodies import upstream_bodies
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.schema.checks import check


def translate(body: Json, context: Context) -> Translation:
    """Translate a completions request for a chat endpoint.

    `body` is not changed. Raises `InvalidRequest` for a request that is wrong and
    `UnsupportedParameter` for one that chat cannot express; both name the client's parameter.
    """
    home = Shape.RESPONSES if context.by_way_of_chat else Shape.CHAT
    report = Report(Shape.COMPLETIONS, home)
    checked = check(body, TABLE)
    plan = read_plan(checked, context, report)
    return CompletionsViaChat(
        plan, upstream_bodies(checked, plan, context, report), context, report
    )


class CompletionsViaChat:
    """One completions request as chat requests, and the way back (a `Translation`)."""

    def __init__(self, plan: Plan, calls: Sequence[Json], context: Context, report: Report) -> None:
        self._plan = plan
        self._context = context
        self.report = report
        self.calls = calls

    def local_reply(self) -> Json | None:
        """Return the reply to `max_tokens: 0`, else None; also valid as a chunk of a stream."""
        return None if self.calls else fold_nothing(self._plan, self._context)

    def reply(self, replies: Sequence[Json]) -> Json:
        """Fold the whole chat replies of all calls into one completions reply.

        Raises `UpstreamReplied` where a reply is an error and `UpstreamError` where it is no chat
        completion with all choices.
        """
        return fold(self._plan, replies, self._context, self.report, self.client_param)

    def stream(self) -> StreamTranslation:
        """Return the fold of the chat streams of all calls."""
        return CompletionsStream(self._plan, self._context, self.report, self.client_param)

    def client_param(self, call: int, param: str | None) -> str | None:
        """Return the client's name of a chat parameter; None where the client has none such.

        `messages[0].content` is `prompt`, or `prompt[2]` for the call about the third of a list.
        A client's own name is returned as it is.
        """
        if not param:
            return None
        root = re.split(r"[.\[]", param, maxsplit=1)[0]
        if root == "messages":
            return self._plan.prompts[self._plan.prompt_of(call)].path
        if root in ("max_completion_tokens", "max_tokens"):
            # Also where the client sent none: the limit is completions' default then.
            return "max_tokens"
        if root in ("top_logprobs", "logprobs"):
            return self._sent("logprobs") or self._sent("best_of")
        if root == "n":
            return self._sent("best_of") or self._sent("n")
        return param if root in self._plan.client_params else None

    def _sent(self, name: str) -> str | None:
        return name if name in self._plan.client_params else None
