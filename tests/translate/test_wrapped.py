"""What a wrapped translation has from the inner one."""

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report, StreamTranslation
from gateway.translate.wrapped import WrappedStream, WrappedTranslation

REPORT = Report(Shape.CHAT, Shape.RESPONSES)


class Inner:
    report = REPORT
    calls = ({"model": "m"},)

    def local_reply(self) -> Json:
        return {"id": "local"}

    def reply(self, replies: object) -> Json:
        raise AssertionError(replies)

    def stream(self) -> StreamTranslation:
        raise AssertionError

    def client_param(self, call: int, param: str | None) -> str:
        return f"{call}.{param}"


class InnerStream(StreamTranslation):
    passes_text = True

    def feed(self, call: int, event: Json) -> list[Json]:
        raise AssertionError(call, event)

    def end(self, call: int) -> list[Json]:
        raise AssertionError(call)

    def ping(self) -> list[Json]:
        return [{"type": "ping"}]

    def satisfied(self, call: int) -> bool:
        return call == 1


class Stream(WrappedStream):
    def feed(self, call: int, event: Json) -> list[Json]:
        return self._stream.feed(call, event)

    def end(self, call: int) -> list[Json]:
        return self._stream.end(call)


def test_all_but_replies_is_the_inner_translations() -> None:
    wrapped = WrappedTranslation(Inner())
    assert wrapped.report is REPORT
    assert wrapped.calls == ({"model": "m"},)
    assert wrapped.local_reply() == {"id": "local"}
    assert wrapped.client_param(1, "stop") == "1.stop"


def test_all_but_events_is_the_inner_streams() -> None:
    wrapped = Stream(InnerStream())
    assert wrapped.ping() == [{"type": "ping"}]
    assert (wrapped.satisfied(0), wrapped.satisfied(1)) == (False, True)
    assert wrapped.passes_text is True
