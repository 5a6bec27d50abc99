"""What holds for whatever request and whatever upstream."""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json
from gateway.translate.completions_via_chat import translate
from gateway.translate.completions_via_chat.request import TABLE
from gateway.translate.contract import StreamTranslation, Translation
from gateway.translate.limits.capabilities import Capabilities
from tests.translate.completions_via_chat.chat_backend import (
    asking,
    choice,
    chunk,
    completion,
    delta,
    entry,
    gathered,
    make_context,
    usage,
)


@pytest.mark.parametrize(
    ("parameters", "upstream", "client"),
    [
        ({}, None, None),
        ({}, "", None),
        ({}, "messages", "prompt"),
        ({}, "messages[0].content", "prompt"),
        ({"prompt": ["a"]}, "messages[0]", "prompt[0]"),
        ({}, "max_tokens", "max_tokens"),
        ({}, "max_completion_tokens", "max_tokens"),
        ({"logprobs": 1}, "top_logprobs", "logprobs"),
        ({"logprobs": 1}, "logprobs", "logprobs"),
        ({"best_of": 2}, "logprobs", "best_of"),
        ({}, "top_logprobs", None),
        ({"n": 2}, "n", "n"),
        ({"n": 2, "best_of": 3}, "n", "best_of"),
        ({}, "n", None),
        ({}, "model", "model"),
        ({"temperature": 1}, "temperature", "temperature"),
        ({}, "temperature", None),
        ({"logit_bias": {"1": 1}}, "logit_bias.1", "logit_bias.1"),
        ({"stop": ["a"]}, "stop[0]", "stop[0]"),
        ({}, "reasoning_effort", None),
        ({}, "stream_options", None),
    ],
)
def test_an_upstream_parameter_has_its_client_name(
    parameters: Json, upstream: str | None, client: str | None
) -> None:
    assert asking(**parameters).client_param(0, upstream) == client


def test_an_upstream_parameter_of_a_list_names_the_prompt_of_its_call() -> None:
    translation = asking(make_context(Capabilities(n=False)), prompt=["a", "b"], n=2)
    assert [translation.client_param(call, "messages[0]") for call in range(4)] == [
        "prompt[0]",
        "prompt[0]",
        "prompt[1]",
        "prompt[1]",
    ]


def test_a_clients_own_name_stays() -> None:
    translation = asking(prompt=["a", "b"], best_of=2)
    for name in ("prompt[1]", "max_tokens", "best_of"):
        assert translation.client_param(1, name) == name


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=5)
    | st.sampled_from(["stop", "length", "error", "text", "choices", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "index",
                    "message",
                    "delta",
                    "content",
                    "refusal",
                    "logprobs",
                    "token",
                    "logprob",
                    "bytes",
                    "top_logprobs",
                    "finish_reason",
                    "usage",
                    "error",
                    "type",
                    "text",
                    "id",
                    "created",
                    "model",
                ]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn, valid: Json) -> Any:
    """Return a copy of `valid` where one to three nodes are arbitrary JSON, or are missing."""
    value: Any = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        node: Any = value
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(node[key], dict | list) and draw(st.booleans()):
                node = node[key]
                continue
            if isinstance(node, dict) and draw(st.booleans()):
                del node[key]
            else:
                node[key] = draw(JSON)
            break
    return value


VALID_REPLY = completion(
    choice("a#b", entries=[entry("a", b=-1.0), entry("#b")]), choice("c", 1), service_tier="x"
)
VALID_CHUNK = chunk(
    delta("a#", entries=[entry("a", b=-1.0), entry("#")]),
    delta("c", 1, finish_reason="stop"),
    usage=usage(),
)


def tried(capable: bool) -> Translation:
    context = make_context(Capabilities(stop=capable))
    return asking(
        context, n=2, stop="#", logprobs=1, stream=True, stream_options={"include_usage": True}
    )


@given(reply=JSON | damaged(VALID_REPLY), capable=st.booleans())
def test_any_reply_is_translated_or_a_gateway_error(reply: Any, capable: bool) -> None:
    try:
        translated = tried(capable).reply([reply])
    except GatewayError:
        return
    assert [c["index"] for c in translated["choices"]] == [0, 1]
    assert all(isinstance(c["text"], str) for c in translated["choices"])


@given(events=st.lists(JSON | damaged(VALID_CHUNK), max_size=4), capable=st.booleans())
def test_any_events_are_translated_or_a_gateway_error(events: list[Any], capable: bool) -> None:
    fold = tried(capable).stream()
    received: list[Json] = []
    try:
        for event in events:
            received += fold.feed(0, event)
        received += fold.end(0)
    except GatewayError:
        return
    assert {c["finish_reason"] is not None for c in gathered(received).values()} == {True}


@given(
    body=st.dictionaries(st.sampled_from([*TABLE, "top_k", "response_format"]), JSON),
    prompt=JSON | st.just("Once"),
    strict=st.booleans(),
)
def test_any_request_is_translated_or_refused(body: Json, prompt: Any, strict: bool) -> None:
    asked = {**body, "prompt": prompt}
    before = copy.deepcopy(asked)
    context = make_context(
        Capabilities(strict_params=strict), detokenize=lambda tokens: chr(len(tokens))
    )
    named = None
    try:
        translation = translate(asked, context)
    except InvalidRequest as error:
        named = error.param
    else:
        assert bool(translation.calls) == (translation.local_reply() is None)
    assert named is None or re.split(r"[.\[]", named)[0] in asked
    assert repr(asked) == repr(before)


@dataclass(frozen=True)
class Token:
    """One generated token: the text that its chunk brings, and its logprobs entry."""

    text: str
    entry: Json


def whole_token(text: str, logprob: float) -> list[Token]:
    return [Token(text, entry(text, logprob, a=-1.0, b=-0.25))]


def split_token(logprob: float) -> list[Token]:
    first = {"token": "\ufffd", "logprob": logprob, "bytes": [0xC3]}
    second = {"token": "\ufffd", "logprob": logprob, "bytes": [0xA9]}
    return [Token("", first), Token("é", second)]


LOGPROB = st.sampled_from([-0.1, -0.5, -2.0, -12000.0])
TOKENS = st.lists(
    st.builds(whole_token, st.text("ab#\n é", min_size=1, max_size=3), LOGPROB)
    | st.builds(split_token, LOGPROB),
    max_size=6,
).map(lambda groups: [token for group in groups for token in group])


@dataclass(frozen=True)
class Generated:
    """What the backend generates for one choice."""

    tokens: list[Token]
    finish: str

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)

    def whole(self, index: int) -> Json:
        return choice(self.text, index, self.finish, [token.entry for token in self.tokens])

    def deltas(self, data: st.DataObject, index: int) -> list[Json]:
        """Return the pieces of a stream, cut and finished in any way."""
        pieces: list[Json] = []
        start = 0
        while start < len(self.tokens):
            end = data.draw(st.integers(start + 1, len(self.tokens)))
            several = self.tokens[start:end]
            text = "".join(token.text for token in several)
            pieces.append(delta(text, index, None, [token.entry for token in several]))
            start = end
        finish_with_text = data.draw(st.booleans())
        if pieces and finish_with_text:
            pieces[-1]["finish_reason"] = self.finish
        else:
            pieces.append(delta(None, index, self.finish))
        return pieces


def interleaved(data: st.DataObject, sequences: Sequence[Sequence[Any]]) -> list[Any]:
    """Return all items, each sequence's in order."""
    left = [list(sequence) for sequence in sequences if sequence]
    merged: list[Any] = []
    while left:
        chosen = data.draw(st.sampled_from(left))
        merged.append(chosen.pop(0))
        left = [sequence for sequence in left if sequence]
    return merged


PARAMETERS = st.fixed_dictionaries(
    {
        "prompt": st.sampled_from(["Once", ["p", "quite"], ["é"]]),
        "n": st.integers(1, 3),
        "stream_options": st.sampled_from([{}, {"include_usage": True}]),
    },
    optional={"logprobs": st.integers(0, 2), "stop": st.sampled_from(["#", ["ab", "b#\n", "é"]])},
)
CONTEXTS = st.builds(
    lambda n, stop, base: make_context(
        Capabilities(n=n, stop=stop, max_stops=2), TranslationSettings(text_offset_base=base)
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["prompt", "text"]),
)


@given(parameters=PARAMETERS, context=CONTEXTS, echo=st.booleans(), data=st.data())
def test_a_folded_stream_equals_the_whole_reply(
    parameters: Json, context: Any, echo: bool, data: st.DataObject
) -> None:
    if echo and "logprobs" not in parameters:
        parameters = {**parameters, "echo": True}
    translation = asking(context, **parameters, stream=True)
    per_call = translation.calls[0].get("n", 1)
    generated = [
        [
            Generated(data.draw(TOKENS), data.draw(st.sampled_from(["stop", "length"])))
            for _ in range(per_call)
        ]
        for _ in translation.calls
    ]
    reply = translation.reply(
        [
            completion(*[g.whole(i) for i, g in enumerate(choices)], usage=usage(call + 1, 5))
            for call, choices in enumerate(generated)
        ]
    )
    received = _streamed(translation.stream(), generated, data)

    whole = {part.pop("index"): part for part in copy.deepcopy(reply["choices"])}
    for part in whole.values():
        if part["logprobs"] is not None and not part["logprobs"]["tokens"]:
            part["logprobs"] = None
    assert gathered(received) == whole
    usages = [event["usage"] for event in received if event.get("usage") is not None]
    asked = bool(parameters["stream_options"])
    assert usages == ([reply["usage"]] if asked else [])
    assert all(("usage" in event) == asked for event in received)


def _streamed(
    fold: StreamTranslation, generated: Sequence[Sequence[Generated]], data: st.DataObject
) -> list[Json]:
    """Return what a client receives of the choices of all calls, in some order of arrival."""
    arrivals = interleaved(
        data,
        [
            [
                *[
                    (call, chunk(piece))
                    for piece in interleaved(
                        data, [g.deltas(data, i) for i, g in enumerate(choices)]
                    )
                ],
                (call, chunk(usage=usage(call + 1, 5))),
                (call, None),
            ]
            for call, choices in enumerate(generated)
        ],
    )
    received: list[Json] = []
    for call, event in arrivals:
        if event is None:
            received += fold.end(call)
        elif not fold.satisfied(call):
            received += fold.feed(call, event)
    return [msgspec.json.decode(msgspec.json.encode(event)) for event in received]
