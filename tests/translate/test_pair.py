"""What every pair of shapes does with a request that it has prepared."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from gateway.errors import GatewayError
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report, StreamTranslation, Translation
from gateway.translate.pair import PairTranslation

CONTEXT = Context("asked", "sent")


@dataclass
class Prepared:
    calls: Sequence[Json] = ({"first": 1}, {"second": 2})

    def client_param(self, call: int, param: str | None) -> str | None:
        return param and f"{param}[{call}]"


@dataclass
class Stream(StreamTranslation):
    request: Prepared
    context: Context

    def feed(self, call: int, event: Json) -> list[Json]:
        return [event]

    def end(self, call: int) -> list[Json]:
        return []

    def fail(self, error: GatewayError) -> list[Json]:
        return []

    def satisfied(self, call: int) -> bool:
        return False


def fold(replies: Sequence[Json], request: Prepared, context: Context) -> Json:
    return {"replies": list(replies), "calls": request.calls, "model": context.model_asked}


def pair(request: Prepared, local_reply: Json | None = None) -> Translation:
    report = Report(Shape.CHAT, Shape.RESPONSES)
    return PairTranslation(request, CONTEXT, report, fold, Stream, local_reply)


def test_what_was_prepared_is_sent_and_its_replies_are_folded() -> None:
    request = Prepared()
    translation = pair(request)
    assert translation.calls == request.calls
    assert translation.report.header() == "from=chat; to=responses"
    assert translation.reply([{"a": 1}, {"b": 2}]) == {
        "replies": [{"a": 1}, {"b": 2}],
        "calls": request.calls,
        "model": "asked",
    }


def test_a_stream_is_folded_with_the_same_request_and_context() -> None:
    request = Prepared()
    assert pair(request).stream() == Stream(request, CONTEXT)


@pytest.mark.parametrize(("call", "param", "named"), [(1, "stop", "stop[1]"), (0, None, None)])
def test_parameters_are_named_as_the_request_says(
    call: int, param: str | None, named: str | None
) -> None:
    assert pair(Prepared()).client_param(call, param) == named


def test_a_request_without_calls_has_a_reply_of_its_own() -> None:
    assert pair(Prepared()).local_reply() is None
    assert pair(Prepared(()), {"choices": []}).local_reply() == {"choices": []}
