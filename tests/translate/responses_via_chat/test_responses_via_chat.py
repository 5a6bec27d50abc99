"""What must hold for any input: only the gateway's own errors, and one truth in both forms."""

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, InvalidRequest, UpstreamError
from gateway.shapes import Json
from gateway.translate.responses_via_chat import translate
from gateway.translate.schema.responses import RESPONSES_PARAMETERS
from tests.translate.openai_schema import check_schema
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    USAGE,
    asking,
    chunk,
    completion,
    context,
    fragment,
    replied,
    tool_call,
)
from tests.translate.responses_via_chat.client_stream import read, read_any

_KEYS_TEXT = (
    "id index type function name arguments custom input content text reasoning refusal "
    "delta message choices finish_reason tool_calls function_call annotations "
    "url_citation url usage logprobs token logprob bytes top_logprobs error code param "
    "created model audio service_tier role call_id output summary tools tool_choice "
    "thinking moderation detail image_url"
)
KEYS = st.sampled_from(_KEYS_TEXT.split())
_WORDS_TEXT = (
    "stop length tool_calls function custom message reasoning input_text output_text user "
    "assistant function_call function_call_output input_image namespace allowed_tools "
    "text json_schema web_search_call refusal thinking error {} item_reference"
)
WORDS = st.sampled_from(_WORDS_TEXT.split())
SCALARS = st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | st.text(max_size=3) | WORDS
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
DELTAS = st.dictionaries(KEYS, ANY_JSON, max_size=4)
CHUNKS = st.builds(
    lambda delta, finish, logprobs, more: {
        **more,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}],
    },
    DELTAS,
    WORDS | ANY_JSON,
    ANY_JSON,
    st.dictionaries(KEYS, ANY_JSON, max_size=2),
)


@given(st.lists(CHUNKS | ANY_JSON, max_size=4))
def test_any_stream_ends_in_a_valid_stream(events: list[Any]) -> None:
    fold = asking(stream=True, include=["message.output_text.logprobs"], top_logprobs=2).stream()
    sent: list[Json] = []
    failure: GatewayError | None = None
    try:
        for event in events:
            sent += fold.feed(0, event)
        sent += fold.end(0)
    except UpstreamError as error:
        failure = error
    if failure is None:
        read(sent)
    else:
        assert read_any(sent + fold.fail(failure))["status"] == "failed"


@given(ANY_JSON | CHUNKS.map(lambda c: {"choices": [{**c["choices"][0], "message": {}}]}) | DELTAS)
def test_any_reply_is_a_response_or_an_upstream_error(reply: Any) -> None:
    translation = asking()
    with contextlib.suppress(UpstreamError):
        check_schema("Response", translation.reply([reply]))


@given(DELTAS)
def test_any_message_is_a_response_or_an_upstream_error(message: Json) -> None:
    with contextlib.suppress(UpstreamError):
        check_schema(
            "Response", asking().reply([completion() | {"choices": [{"message": message}]}])
        )


PARAMETERS = st.dictionaries(
    st.sampled_from([*RESPONSES_PARAMETERS, "stop", "seed", "logit_bias", "extra"]),
    ANY_JSON,
    max_size=4,
)
ITEMS = st.lists(
    st.dictionaries(KEYS, ANY_JSON, max_size=4) | st.fixed_dictionaries({"type": WORDS}), max_size=4
)


@given(PARAMETERS, ITEMS | ANY_JSON, st.sampled_from([OPENAI, SELF_HOSTED]), st.booleans())
def test_any_request_is_translated_or_refused(
    parameters: Json, items: Any, capabilities: Any, lenient: bool
) -> None:
    dropping = {"on_unsupported": "drop", "hosted_tools": "drop", "extra_params": "drop"}
    of = context(capabilities, **(dropping if lenient else {}))
    with contextlib.suppress(InvalidRequest):
        (call,) = translate({"input": items, **parameters}, of).calls
        assert call["messages"]


NAMES = st.sampled_from(["f", "g"])
ARGUMENTS = st.dictionaries(st.text(max_size=2), st.integers(0, 9), max_size=2).map(json.dumps)
PIECES = st.text(alphabet="ab é\n", max_size=4)


@st.composite
def chat_replies(draw: st.DrawFn) -> tuple[Json, list[Json]]:
    """Draw a whole reply, and a stream that says the same: calls may interleave."""
    reasoning, content, refusal = (
        draw(st.lists(PIECES, max_size=3)),
        draw(st.lists(PIECES, max_size=3)),
        draw(st.lists(PIECES, max_size=2)),
    )
    calls = [
        tool_call(name, arguments, f"call_{position}")
        for position, (name, arguments) in enumerate(
            draw(st.lists(st.tuples(NAMES, ARGUMENTS), max_size=3))
        )
    ]
    finish = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
    events = [chunk(reasoning=piece) for piece in reasoning]
    events += [chunk(piece) for piece in content]
    events += [chunk(refusal=piece) for piece in refusal]
    events += _call_chunks(draw, calls)
    events += [chunk(finish=finish), USAGE]
    whole = completion(
        "".join(content),
        finish,
        reasoning="".join(reasoning),
        **({"tool_calls": calls} if calls else {}),
    )
    whole["choices"][0]["message"]["refusal"] = "".join(refusal) or None
    return whole, events


def _call_chunks(draw: st.DrawFn, calls: list[Json]) -> list[Json]:
    opening = [
        chunk(
            tool_calls=[
                fragment(index, "", name=call["function"]["name"], call_id=call["id"])
                for index, call in enumerate(calls)
            ]
        )
    ]
    pieces = [
        (index, piece)
        for index, call in enumerate(calls)
        for piece in _cut(call["function"]["arguments"], draw(st.integers(1, 5)))
    ]
    order = draw(st.permutations(range(len(pieces))))
    # Any order of the calls, but each call's own pieces in theirs.
    queues = {index: [p for i, p in pieces if i == index] for index in range(len(calls))}
    sequence = [pieces[position][0] for position in order]
    return (opening if calls else []) + [
        chunk(tool_calls=[fragment(index, queues[index].pop(0))]) for index in sequence
    ]


def _cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


@given(chat_replies())
def test_a_stream_makes_the_response_that_the_whole_reply_makes(
    drawn: tuple[Json, list[Json]],
) -> None:
    whole, events = drawn
    fold = asking(stream=True).stream()
    sent = [event for chat in events for event in fold.feed(0, chat)] + fold.end(0)
    assert read(sent) == replied(whole, stream=True)
