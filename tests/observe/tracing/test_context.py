"""`traceparent` and `tracestate`, as W3C Trace Context has them."""

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from gateway.observe.tracing.context import Context, Sampler, context_of

TRACE, SPAN = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"


def parent(text: bytes, *states: bytes) -> Context | None:
    return context_of(((b"traceparent", text), *((b"tracestate", state) for state in states)))


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (b"00-%b-%b-01", 1),
        (b"00-%b-%b-00", 0),
        (b"00-%b-%b-03", 3),
        (b"00-%b-%b-ff", 3),
        (b" 00-%b-%b-01 ", 1),
        (b"01-%b-%b-01", 1),
        (b"cc-%b-%b-01-what-comes-later", 1),
    ],
)
def test_a_valid_traceparent_is_read(text: bytes, flags: int) -> None:
    assert parent(text % (TRACE, SPAN)) == Context(TRACE, SPAN, flags)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"00",
        b"ff-%b-%b-01" % (TRACE, SPAN),
        b"00-%b-%b-01-more" % (TRACE, SPAN),
        b"01-%b-%b-01more" % (TRACE, SPAN),
        b"00-%b-%b-1" % (TRACE, SPAN),
        b"00-%b-%b-01" % (TRACE.upper(), SPAN),
        b"00-%b-%b-01" % (b"0" * 32, SPAN),
        b"00-%b-%b-01" % (TRACE, b"0" * 16),
        b"00-%b-%b-01" % (TRACE[1:], SPAN),
        b"00-%b-%b-0\xff" % (TRACE, SPAN),
    ],
)
def test_an_invalid_traceparent_is_ignored(text: bytes) -> None:
    assert parent(text, b"a=1") is None


def test_a_context_that_comes_twice_is_none() -> None:
    field = (b"traceparent", b"00-%b-%b-01" % (TRACE, SPAN))
    assert context_of((field, field)) is None
    assert context_of(()) is None


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ((b"a=1",), b"a=1"),
        ((b"a=1 , b=2",), b"a=1,b=2"),
        ((b"a=1", b"fw529a3039@dt=x y"), b"a=1,fw529a3039@dt=x y"),
        ((b"a=1,,",), b"a=1"),
        ((b"A=1",), b""),
        ((b"a",), b""),
        ((b"a=1,b=\xc3\xa4",), b""),
        ((b"a=\x00",), b""),
        ((b",".join(b"a%d=1" % number for number in range(32)),) * 1, None),
        ((b",".join(b"a%d=1" % number for number in range(33)),), b""),
        ((b",".join(b"a%d=%b" % (number, b"x" * 256) for number in range(32)),), b""),
    ],
)
def test_a_tracestate_is_kept_if_it_is_one(states: tuple[bytes, ...], kept: bytes | None) -> None:
    found = parent(b"00-%b-%b-01" % (TRACE, SPAN), *states)
    assert found is not None
    assert found.state == (states[0] if kept is None else kept)


def test_fields_carry_a_context() -> None:
    context = Context(TRACE, SPAN, 1, b"a=1")
    assert context_of(context.fields()) == context
    assert context.fields()[1:] == ((b"tracestate", b"a=1"),)
    assert len(context._replace(state=b"").fields()) == 1


def test_a_child_has_an_id_of_its_own() -> None:
    context = Context(TRACE, SPAN, 1, b"a=1")
    first, second = context.child(), context.child()
    assert len({context.span_id, first.span_id, second.span_id}) == 3
    assert first._replace(span_id=SPAN) == context
    assert len(first.span_id) == 16


@pytest.mark.parametrize(("ratio", "sampled"), [(0.0, {False}), (1.0, {True})])
def test_all_or_none_are_sampled(ratio: float, sampled: set[bool]) -> None:
    sampler = Sampler(ratio)
    assert {sampler.start(None).is_sampled for _ in range(200)} == sampled


def test_a_ratio_is_applied_as_by_the_sdk() -> None:
    sampler, sdk = Sampler(0.25), TraceIdRatioBased(0.25)
    started = [sampler.start(None) for _ in range(300)]
    for context in started:
        decided = sdk.should_sample(None, int(context.trace_id, 16), "").decision
        assert (decided is Decision.RECORD_AND_SAMPLE) == context.is_sampled
    assert {context.is_sampled for context in started} == {True, False}


def test_a_parent_decides() -> None:
    for flags in (0, 1):
        started = Sampler(1 - flags).start(Context(TRACE, SPAN, flags))
        assert (started.trace_id, started.flags) == (TRACE, flags)
        assert started.span_id != SPAN
