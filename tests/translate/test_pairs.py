"""The whole of translation as one table: what a client of one shape sees of a model of another.

Every cell is played against the emulator, which checks each upstream request as strictly as
OpenAI: with a whole reply, and with a stream that arrives in events, at once, and byte by byte.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from itertools import permutations
from typing import Any

import pytest

from gateway.config.settings import ModelRule
from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json, Shape
from tests.exchange.scene import Exchanged, Scene
from tests.translate.demo_upstream import (
    DemoUpstream,
    Split,
    at_once,
    byte_by_byte,
    event_by_event,
)
from tests.translate.what_clients_see import Seen, error_seen, reply_seen, stream_seen


class Case(StrEnum):
    PLAIN = auto()
    TOOLS = auto()
    REFUSAL = auto()
    LENGTH = auto()
    ERROR_BEFORE = auto()
    ERROR_INSIDE = auto()
    TRUNCATED = auto()


@dataclass(frozen=True)
class Impossible:
    """A cell that is a 400 about the client's parameter, or that cannot come about (no param)."""

    reason: str
    param: str | None = None


COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
REFUSAL = "I'm sorry, but I can't help with that."
NO_TOOLS_TO_SEND = Impossible("a completions request has no tools", "tools")
NO_TOOLS_TO_SHOW = Impossible("a base model would answer a tool call in free text", "tools")
BASE_MODELS_DO_NOT_REFUSE = Impossible("at completions there is no refusal apart from the text")
BROKEN = {
    Case.ERROR_BEFORE: "HTTP 429 rate_limit_exceeded",
    Case.ERROR_INSIDE: "says 'You said'; error: server_error",
    Case.TRUNCATED: "says 'You said'; error: upstream_stream_truncated",
}
BROKEN_RESPONSE = {
    Case.ERROR_BEFORE: "HTTP 429 rate_limit_exceeded",
    Case.ERROR_INSIDE: "says 'You said'; finish: failed; error: server_error",
    Case.TRUNCATED: "says 'You said'; finish: failed; error: upstream_stream_truncated",
}

TABLE: Mapping[tuple[Shape, Shape], Mapping[Case, str | Impossible]] = {
    (COMPLETIONS, CHAT): {
        Case.PLAIN: "says 'You said: Hello'; finish: stop",
        Case.TOOLS: NO_TOOLS_TO_SEND,
        Case.REFUSAL: f'says "{REFUSAL}"; finish: stop',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        **BROKEN,
    },
    (COMPLETIONS, RESPONSES): {
        Case.PLAIN: "says 'You said: Hello'; finish: stop",
        Case.TOOLS: NO_TOOLS_TO_SEND,
        Case.REFUSAL: f'says "{REFUSAL}"; finish: stop',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        **BROKEN,
    },
    (CHAT, COMPLETIONS): {
        Case.PLAIN: "says ' [gpt-3.5-turbo-instruct continues: Hello]'; finish: stop",
        Case.TOOLS: NO_TOOLS_TO_SHOW,
        Case.REFUSAL: BASE_MODELS_DO_NOT_REFUSE,
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        Case.ERROR_BEFORE: "HTTP 429 rate_limit_exceeded",
        Case.ERROR_INSIDE: "says ' [gpt'; error: server_error",
        Case.TRUNCATED: "says ' [gpt'; error: upstream_stream_truncated",
    },
    (CHAT, RESPONSES): {
        Case.PLAIN: "says 'You said: Hello'; finish: stop",
        Case.TOOLS: 'calls weather {"city": "call weather"}; finish: tool_calls',
        Case.REFUSAL: f'refuses "{REFUSAL}"; finish: stop',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; finish: length",
        **BROKEN,
    },
    (RESPONSES, CHAT): {
        Case.PLAIN: "says 'You said: Hello'; finish: completed",
        Case.TOOLS: 'calls weather {"city": "call weather"}; finish: completed',
        Case.REFUSAL: f'refuses "{REFUSAL}"; finish: completed',
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; "
        "finish: incomplete (max_output_tokens)",
        **BROKEN_RESPONSE,
    },
    (RESPONSES, COMPLETIONS): {
        Case.PLAIN: "says ' [gpt-3.5-turbo-instruct continues: Hello]'; finish: completed",
        Case.TOOLS: NO_TOOLS_TO_SHOW,
        Case.REFUSAL: BASE_MODELS_DO_NOT_REFUSE,
        Case.LENGTH: "says '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'; "
        "finish: incomplete (max_output_tokens)",
        Case.ERROR_BEFORE: "HTTP 429 rate_limit_exceeded",
        Case.ERROR_INSIDE: "says ' [gpt'; finish: failed; error: server_error",
        Case.TRUNCATED: "says ' [gpt'; finish: failed; error: upstream_stream_truncated",
    },
}
PAIRS = list(TABLE)
CELLS = [(client, home, case) for client, home in TABLE for case in Case]

WORDS: Mapping[Case, str] = {
    Case.PLAIN: "Hello",
    Case.TOOLS: "call weather",
    Case.REFUSAL: "!refuse",
    Case.LENGTH: "!count 99",
    Case.ERROR_BEFORE: "!429",
    Case.ERROR_INSIDE: "!fail-midstream",
    Case.TRUNCATED: "!truncate",
}
LIMIT = 16
"""The least that a responses endpoint takes, and what completions mean without a limit."""
MODELS: Mapping[Shape, str] = {
    COMPLETIONS: "gpt-3.5-turbo-instruct",
    CHAT: "gpt-4o-mini",
    RESPONSES: "gpt-4o-mini",
}
WEATHER: Json = {
    "name": "weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


def request(client: Shape, home: Shape, case: Case) -> Json:
    """The client's request for a case."""
    body: Json = {"model": MODELS[home]}
    said = WORDS[case]
    if client is COMPLETIONS:
        body |= {"prompt": said, "max_tokens": LIMIT if case is Case.LENGTH else 50}
        tool: Json = {"type": "function", "function": WEATHER}
    elif client is CHAT:
        body |= {"messages": [{"role": "user", "content": said}]}
        body |= {"max_completion_tokens": LIMIT} if case is Case.LENGTH else {}
        tool = {"type": "function", "function": WEATHER}
    else:
        body |= {"input": said}
        body |= {"max_output_tokens": LIMIT} if case is Case.LENGTH else {}
        tool = {"type": "function", **WEATHER}
    return body | ({"tools": [tool]} if case is Case.TOOLS else {})


def received(client: Shape, home: Shape, body: Json, upstream: DemoUpstream) -> Exchanged:
    """Play a request before the emulator, whose model lives at `home`."""
    scene = Scene(upstream.answer, rules=(ModelRule(MODELS[home], endpoints=(home,)),))
    answer = scene.generate(client, body)
    assert {shape for shape, _ in upstream.requests} == {home}
    return answer


def streamed(client: Shape, home: Shape, case: Case, split: Split) -> Seen | str:
    body = {**request(client, home, case), "stream": True}
    try:
        (seen,) = stream_seen(client, received(client, home, body, DemoUpstream(split)))
    except GatewayError as error:
        return error_seen(error)
    return seen


def whole(client: Shape, home: Shape, case: Case) -> Seen | str:
    try:
        answer = received(client, home, request(client, home, case), DemoUpstream())
        (seen,) = reply_seen(client, answer.json)
    except GatewayError as error:
        return error_seen(error)
    return seen


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
        # An upstream's own error ends its stream; one that broke off has no end.
        is_upstreams = case is Case.ERROR_INSIDE and client is not RESPONSES
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
        assert whole(client, home, case) == "HTTP 502 None"
    elif case is Case.TRUNCATED:
        assert whole(client, home, case) == "HTTP 502 upstream_stream_truncated"
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
    # What comes after the finish reason: the usage and [DONE]; of responses nothing.
    needed = length - 2 if home is not RESPONSES else length
    for cut in range(needed):
        for split in (event_by_event, byte_by_byte):
            seen = cut_off(client, home, body, DemoUpstream(split, cut))
            if isinstance(seen, str):
                assert seen == "HTTP 502 upstream_stream_truncated"
                continue
            assert not seen.ended, f"cut after {cut} of {length} events"
            assert seen.error == "upstream_stream_truncated"
            assert good.text.startswith(seen.text)


def cut_off(client: Shape, home: Shape, body: Json, upstream: DemoUpstream) -> Seen | str:
    try:
        (seen,) = stream_seen(client, received(client, home, body, upstream))
    except GatewayError as error:
        return error_seen(error)
    return seen


def usage_of(shape: Shape, reply: Any) -> tuple[int, int]:
    used = reply["usage"]
    if shape is RESPONSES:
        return used["input_tokens"], used["output_tokens"]
    return used["prompt_tokens"], used["completion_tokens"]


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_usage_is_the_same_whole_and_streamed(client: Shape, home: Shape) -> None:
    body = request(client, home, Case.PLAIN)
    used = usage_of(client, received(client, home, body, DemoUpstream()).json)
    assert min(used) > 0
    options = {} if client is RESPONSES else {"stream_options": {"include_usage": True}}
    answer = received(client, home, {**body, "stream": True, **options}, DemoUpstream())
    last = answer.events[-1]["response"] if client is RESPONSES else answer.events[-2]
    assert usage_of(client, last) == used
    if client is not RESPONSES:
        assert last["choices"] == []
        assert all("usage" not in e or e["usage"] is None for e in answer.events[:-2])
