"""What servers say of their sources reaches every client: on each pair, whole and streamed."""

from itertools import permutations
from typing import Any

import msgspec
import pytest

from gateway.fast.codec import fast_translation
from gateway.fast.deltas.text_events import has_only
from gateway.fast.pairs import pair_paths
from gateway.shapes import Json, Shape
from gateway.translate import completions_fanned_out
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.parts.content.sources import StreamedSources, add_sources
from gateway.translate.plan import plan
from gateway.translate.stream.folding.replies import events_as_whole

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
# No server is known that names its sources so at messages.
PAIRS = list(permutations((COMPLETIONS, CHAT, RESPONSES), 2))
ASKED: dict[Shape, Json] = {
    COMPLETIONS: {"prompt": "Hi"},
    CHAT: {"messages": [{"role": "user", "content": "Hi"}]},
    RESPONSES: {"input": "Hi"},
}
PERPLEXITY: Json = {
    "citations": ["https://a.test/", "https://b.test/"],
    "search_results": [{"title": "A", "url": "https://a.test/", "date": None}],
    "related_questions": ["Why?"],
}
ZAI: Json = {"web_search": [{"link": "https://a.test/", "refer": "ref_1"}]}


def asked(client: Shape, home: Shape, **more: Any) -> Translation:
    return plan(client, home, {"model": "m", **ASKED[client], **more}, Context("m", "m"))


def reply_of(home: Shape, text: str = "Hi [1].", **more: Any) -> Json:
    if home is RESPONSES:
        part = {"type": "output_text", "text": text, "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}
        return {"id": "r", "object": "response", "status": "completed", "output": [item], **more}
    said: Json = {"text": text} if home is COMPLETIONS else {"message": {"content": text}}
    return {"id": "c", "choices": [{"index": 0, "finish_reason": "stop", **said}], **more}


def events_of(home: Shape, *sources: Json) -> list[Json]:
    """Return a stream of as many texts; `sources` are those of each of their events."""
    if home is RESPONSES:
        events: list[Json] = [
            {"type": "response.output_text.delta", "item_id": "msg_1", "delta": f"{number}"}
            for number in range(len(sources))
        ]
        beside = {name: value for each in sources for name, value in each.items()}
        text = "".join(map(str, range(len(sources))))
        ended = reply_of(home, text, **beside)
        return [*events, {"type": "response.completed", "response": ended}]

    def chunk(text: str, finish: str | None, beside: Json) -> Json:
        said = {"text": text} if home is COMPLETIONS else {"delta": {"content": text}}
        return {"id": "c", "choices": [{"index": 0, "finish_reason": finish, **said}], **beside}

    texts = [chunk(f"{number}", None, beside) for number, beside in enumerate(sources)]
    return [*texts, chunk("", "stop", {})]


def streamed(translation: Translation, *streams: list[Json]) -> list[Json]:
    stream = translation.stream()
    events = [
        event
        for call, fed in enumerate(streams)
        for each in fed
        for event in stream.feed(call, each)
    ]
    return events + [event for call in range(len(streams)) for event in stream.end(call)]


def found(events: list[Json], names: Json) -> dict[str, list[Any]]:
    """Return the values of each name, in every event that has it."""
    replies = [event.get("response", event) for event in events]
    return {name: [each[name] for each in replies if name in each] for name in names}


@pytest.mark.parametrize("sources", [PERPLEXITY, ZAI])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_whole_replies_have_them_beside_what_was_generated(
    client: Shape, home: Shape, sources: Json
) -> None:
    reply = asked(client, home).reply([reply_of(home, **sources)])
    assert {name: reply.get(name) for name in sources} == sources
    empty = asked(client, home).reply([reply_of(home, citations=[], search_results=None)])
    assert not {"citations", "search_results"} & empty.keys()


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_streams_send_each_value_once(client: Shape, home: Shape) -> None:
    first, more = {"citations": ["https://a.test/"]}, PERPLEXITY
    sent = streamed(asked(client, home, stream=True), events_of(home, first, first, more, more))
    if RESPONSES in (client, home):
        assert found(sent, more) == {name: [value] for name, value in more.items()}
    else:
        assert found(sent, more)["citations"] == [first["citations"], more["citations"]]
        assert found(sent, more)["search_results"] == [more["search_results"]]
    assert all(event["choices"] for event in sent if client is not RESPONSES)


@pytest.mark.parametrize(("client", "home"), [(CHAT, COMPLETIONS), (COMPLETIONS, CHAT)])
@pytest.mark.parametrize("usage", [False, True])
def test_sources_of_the_last_event_only_come_before_the_usage(
    client: Shape, home: Shape, usage: bool
) -> None:
    counts = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    events = [*events_of(home, {}), {"choices": [], "usage": counts, **PERPLEXITY}]
    options = {"stream_options": {"include_usage": True}} if usage else {}
    sent = streamed(asked(client, home, stream=True, **options), events)
    last = sent[-2] if usage else sent[-1]
    assert {name: last.get(name) for name in PERPLEXITY} == PERPLEXITY
    assert last["choices"][0]["finish_reason"] == "stop"
    assert bool(sent[-1]["choices"]) is not usage


@pytest.mark.parametrize(
    ("client", "home", "several"),
    [
        (COMPLETIONS, CHAT, {"prompt": ["a", "b"]}),
        (COMPLETIONS, RESPONSES, {"prompt": ["a", "b"]}),
        (COMPLETIONS, RESPONSES, {"n": 2}),
        (CHAT, RESPONSES, {"n": 2}),
    ],
)
def test_each_of_several_calls_has_its_own(client: Shape, home: Shape, several: Json) -> None:
    urls = ["https://a.test/", "https://b.test/"]
    whole = asked(client, home, **several)
    reply = whole.reply([reply_of(home, citations=[url]) for url in urls])
    assert "citations" not in reply
    assert [choice["citations"] for choice in reply["choices"]] == [[url] for url in urls]
    translation = asked(client, home, stream=True, **several)
    sent = streamed(translation, *(events_of(home, {"citations": [url]}) for url in urls))
    choices = [choice for event in sent for choice in event["choices"] if "citations" in choice]
    assert [(each["index"], each["citations"]) for each in choices] == [
        (index, [url]) for index, url in enumerate(urls)
    ]


@pytest.mark.parametrize("prompts", [1, 2])
def test_completions_that_are_fanned_out_have_them(prompts: int) -> None:
    context = Context("m", "m")
    body = {"model": "m", "prompt": ["a", "b"][:prompts], "best_of": 1}
    report = Report(COMPLETIONS, COMPLETIONS)
    translation = completions_fanned_out.translate(body, context, report)
    calls = len(translation.calls)
    reply = translation.reply([reply_of(COMPLETIONS, **ZAI)] * calls)
    places = [reply] if calls == 1 else reply["choices"]
    assert [place["web_search"] for place in places] == [ZAI["web_search"]] * len(places)


@pytest.mark.parametrize("place", ["message", "choice"])
@pytest.mark.parametrize("client", [COMPLETIONS, RESPONSES])
def test_those_of_a_message_or_a_choice_are_not_lost(client: Shape, place: str) -> None:
    sources = {"citations": ["https://a.test/"], "search_results": [{"url": "https://a.test/"}]}
    choice: Json = {"index": 0, "finish_reason": "stop", "message": {"content": "Hi"}}
    (choice["message"] if place == "message" else choice).update(sources)
    reply = asked(client, CHAT).reply([{"id": "c", "choices": [choice]}])
    where = reply if client is RESPONSES else reply["choices"][0]
    assert {name: where.get(name) for name in sources} == sources
    delta: Json = {"index": 0, "delta": {"content": "Hi"}}
    (delta["delta"] if place == "message" else delta).update(sources)
    events = [
        {"choices": [delta]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]
    sent = streamed(asked(client, CHAT, stream=True), events)
    places = [c for event in sent for c in event.get("choices", [event.get("response", {})])]
    assert [each["citations"] for each in places if "citations" in each] == [sources["citations"]]


@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_codecs_hand_such_replies_over(client: Shape, home: Shape) -> None:
    context = Context("m", "m")
    codec = pair_paths(client, home, context).codec
    if codec is None:
        return
    body = msgspec.json.encode({"model": "m", **ASKED[client]})
    fast = fast_translation(codec, body, context)
    assert fast is not None
    names = ("input", "output") if home is RESPONSES else ("prompt", "completion")
    usage = {f"{name}_tokens": 1 for name in (*names, "total")}
    shaped = {RESPONSES: "response", CHAT: "chat.completion"}[home]
    reply = reply_of(home, usage=usage, object=shaped)
    assert fast.decode_reply(msgspec.json.encode(reply)) is not None
    more: list[Json] = [*({name: [{}]} for name in (*PERPLEXITY, *ZAI, "images")), {"videos": "v"}]
    for sources in more:
        assert fast.decode_reply(msgspec.json.encode({**reply, **sources})) is None


@pytest.mark.parametrize(("client", "home"), [(CHAT, COMPLETIONS), (COMPLETIONS, CHAT)])
def test_the_fast_path_of_streams_is_not_taken_by_them(client: Shape, home: Shape) -> None:
    assert asked(client, home, stream=True).stream().passes_text
    bare, event, *_ = events_of(home, {}, PERPLEXITY)
    assert has_only("text", home, bare)
    assert not has_only("text", home, event)


@pytest.mark.parametrize("home", [CHAT, COMPLETIONS])
def test_a_stream_that_was_not_requested_gives_the_last_value(home: Shape) -> None:
    first, last = {"citations": ["a"]}, {"citations": ["a", "b"]}
    whole = events_as_whole(home, events_of(home, first, last, last))
    assert whole["citations"] == last["citations"]
    if home is CHAT:
        delta = {"index": 0, "delta": {"content": "x", **first}}
        ending = {"index": 0, "delta": {**last}, "finish_reason": "stop"}
        silent = {"index": 0, "delta": {"citations": None}}
        events = [{"choices": [each]} for each in (delta, silent, delta, ending)]
        assert events_as_whole(home, events)["choices"][0]["message"]["citations"] == ["a", "b"]


def test_they_wait_for_a_chunk_of_their_call() -> None:
    sources = StreamedSources(2)
    sources.take(1, ZAI)
    of_another: Json = {"choices": [{"index": 0}]}
    sources.send(1, [{"choices": []}, of_another], [1])
    assert sources.waits(1)
    own: Json = {"choices": [{"index": 1}]}
    sources.send(1, [own, of_another], [1])
    assert (own["choices"], sources.waits(1)) == ([{"index": 1, **ZAI}], False)


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        (None, ["a"], ["a"]),
        (["a"], ["a", "b"], ["a", "b"]),
        (["a"], ["b"], ["a", "b"]),
        (["a", "b"], ["b"], ["a", "b"]),
        ("a", "b", "b"),
        (["a"] * 1001, ["b"], ["b"]),
    ],
)
def test_later_values_go_on_with_earlier_ones(before: Any, value: Any, after: Any) -> None:
    known = {} if before is None else {"citations": before}
    add_sources(known, {"citations": value})
    assert known["citations"] == after
