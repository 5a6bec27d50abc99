"""Chat requests on their way to a responses endpoint."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.chat_via_responses import translate
from tests.translate.chat_via_responses.cases import (
    HELLO,
    call_of,
    context,
    outcome,
    translated,
)


def test_the_smallest_request() -> None:
    assert call_of({}) == {
        "model": "gpt-5-pro",
        "input": [{"type": "message", "role": "user", "content": "hello"}],
        "store": False,
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 30) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


NAMES = st.sampled_from(
    [
        "messages",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "response_format",
        "stop",
        "web_search_options",
        "stream_options",
        "n",
        "seed",
        "logprobs",
        "modalities",
        "x",
    ]
)


@given(body=st.dictionaries(NAMES, JSON, max_size=5))
def test_bad_input_gives_nothing_but_an_invalid_request(body: Json) -> None:
    made = outcome(lambda: translate({"messages": HELLO, **body}, context()))
    assert isinstance(made, InvalidRequest) or made.calls


def test_a_translation_never_answers_by_itself() -> None:
    assert translated({}).local_reply() is None
