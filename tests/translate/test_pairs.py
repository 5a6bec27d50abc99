"""The whole of translation as one table: what a client of one shape sees of a model of another.

Every cell is played against the emulator, which checks each upstream request as strictly as
OpenAI or Anthropic: with a whole reply, and with a stream that arrives in events, at once, and byte
by byte.
"""

from itertools import permutations
from typing import Any

import pytest

from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json, Shape
from tests.exchange.scene import Exchanged
from tests.translate.demo_upstream import (
    DemoUpstream,
    Split,
    at_once,
    byte_by_byte,
    event_by_event,
    scene_at,
)
from tests.translate.pair_table import (
    CELLS,
    CHAT,
    COMPLETIONS,
    MESSAGES,
    MODELS,
    PAIRS,
    RESPONSES,
    TABLE,
    WORDS,
    Case,
    Impossible,
    request,
)
from tests.translate.what_clients_see import Seen, error_seen, reply_seen, respaced, stream_seen

BROKEN_OFF = {
    **dict.fromkeys((COMPLETIONS, CHAT, RESPONSES), "upstream_stream_truncated"),
    MESSAGES: "api_error",
}
"""What clients are told of a stream, or a body, that broke off."""


def received(client: Shape, home: Shape, body: Json, upstream: DemoUpstream) -> Exchanged:
    """Play a request before the emulator, whose model lives at `home`."""
    answer = scene_at(home, MODELS[home], upstream).generate(client, body)
    assert {shape for shape, _ in upstream.requests} == {home}
    return answer


def streamed(client: Shape, home: Shape, case: Case, split: Split) -> Seen | str:
    body = {**request(client, home, case), "stream": True}
    try:
        (seen,) = stream_seen(client, received(client, home, body, DemoUpstream(split)))
    except GatewayError as error:
        return error_seen(error, client)
    return seen


def whole(client: Shape, home: Shape, case: Case) -> Seen | str:
    try:
        answer = received(client, home, request(client, home, case), DemoUpstream())
        (seen,) = reply_seen(client, answer.json)
        return respaced(seen) if home is MESSAGES else seen
    except GatewayError as error:
        return error_seen(error, client)


def test_the_table_has_every_pair_and_every_case() -> None:
    assert set(TABLE) == set(permutations(Shape, 2))
    assert all(set(row) == set(Case) for row in TABLE.values())


@pytest.mark.parametrize("split", [event_by_event, at_once, byte_by_byte])
@pytest.mark.parametrize(("client", "home", "case"), CELLS)
def test_a_client_that_streams_sees_what_the_table_says(
    client: Shape, home: Shape, case: Case, split: Split
) -> None:
    cell = TABLE[client, home][case]
    if isinstance(cell, Impossible):
        check_impossible(cell, client, home, case, stream=True)
        return
    seen = streamed(client, home, case, split)
    assert str(seen) == cell
    if isinstance(seen, Seen):
        # An upstream's own error ends its stream; one that broke off has no end. Only streams of
        # completions and chat have a terminator after an error.
        is_upstreams = case is Case.ERROR_INSIDE and client in (COMPLETIONS, CHAT)
        assert seen.ended == (seen.error is None or is_upstreams)


@pytest.mark.parametrize(("client", "home", "case"), CELLS)
def test_a_client_that_does_not_stream_sees_the_same(
    client: Shape, home: Shape, case: Case
) -> None:
    cell = TABLE[client, home][case]
    if isinstance(cell, Impossible):
        check_impossible(cell, client, home, case, stream=False)
    elif case is Case.ERROR_INSIDE:
        # Without a stream there is no inside: the server fails before it says anything.
        word = "api_error" if client is MESSAGES else None
        assert whole(client, home, case) == f"HTTP 502 {word}"
    elif case is Case.TRUNCATED:
        assert whole(client, home, case) == f"HTTP 502 {BROKEN_OFF[client]}"
    else:
        assert str(whole(client, home, case)) == cell


def check_impossible(
    cell: Impossible, client: Shape, home: Shape, case: Case, *, stream: bool
) -> None:
    body = {**request(client, home, case), "stream": stream}
    upstream = DemoUpstream()
    if cell.param is None:
        (seen,) = reply_seen(
            client, received(client, home, request(client, home, case), upstream).json
        )
        assert (seen.text, seen.refusal) == (
            f" [{MODELS[home]} continues: {WORDS[case]}]",
            "",
        ), cell.reason
        return
    with pytest.raises(InvalidRequest) as refused:
        received(client, home, body, upstream)
    assert refused.value.param == cell.param
    assert refused.value.status == 400
    assert upstream.requests == []


@pytest.mark.alone
@pytest.mark.parametrize(
    ("client", "home", "case"),
    [
        (client, home, case)
        for client, home, case in CELLS
        if case in (Case.PLAIN, Case.TOOLS)
        and not isinstance(TABLE[client, home][case], Impossible)
    ],
)
def test_a_stream_that_is_cut_anywhere_never_ends_well(
    client: Shape, home: Shape, case: Case
) -> None:
    body = {**request(client, home, case), "stream": True}
    complete = DemoUpstream()
    (good,) = stream_seen(client, received(client, home, body, complete))
    (length,) = complete.lengths
    # After the finish reason are the usage and [DONE]; the others' last event is their end.
    needed = length - 2 if home in (COMPLETIONS, CHAT) else length
    for cut in range(needed):
        for split in (event_by_event, byte_by_byte):
            seen = cut_off(client, home, body, DemoUpstream(split, cut))
            if isinstance(seen, str):
                assert seen == f"HTTP 502 {BROKEN_OFF[client]}"
                continue
            assert not seen.ended, f"cut after {cut} of {length} events"
            assert seen.error == BROKEN_OFF[client]
            assert good.text.startswith(seen.text)


def cut_off(client: Shape, home: Shape, body: Json, upstream: DemoUpstream) -> Seen | str:
    try:
        (seen,) = stream_seen(client, received(client, home, body, upstream))
    except GatewayError as error:
        return error_seen(error, client)
    return seen


def usage_of(shape: Shape, reply: Any) -> tuple[int, int]:
    used = reply["usage"]
    if shape is RESPONSES:
        return used["input_tokens"], used["output_tokens"]
    if shape is MESSAGES:
        cached = used["cache_read_input_tokens"] + used["cache_creation_input_tokens"]
        return used["input_tokens"] + cached, used["output_tokens"]
    return used["prompt_tokens"], used["completion_tokens"]


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_usage_is_the_same_whole_and_streamed(client: Shape, home: Shape) -> None:
    body = request(client, home, Case.PLAIN)
    used = usage_of(client, received(client, home, body, DemoUpstream()).json)
    assert min(used) > 0
    asks = client in (COMPLETIONS, CHAT)
    options = {"stream_options": {"include_usage": True}} if asks else {}
    answer = received(client, home, {**body, "stream": True, **options}, DemoUpstream())
    last = answer.events[-1]["response"] if client is RESPONSES else answer.events[-2]
    assert usage_of(client, last) == used
    if asks:
        assert last["choices"] == []
        assert all("usage" not in e or e["usage"] is None for e in answer.events[:-2])
