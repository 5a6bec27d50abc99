"""JSON formats: of several messages one is the document, whole and streamed alike."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.chat_via_responses.output import documents
from gateway.translate.plan import plan
from tests.translate.chat_via_responses.cases import (
    citation,
    context,
    deltas_of,
    ending,
    entries,
    events_of,
    folded,
    like_llamacpp,
    message,
    message_of,
    refusal,
    response,
    run,
    streamed,
    text,
    translated,
    whole,
)

JSON_FORMAT: Json = {"response_format": {"type": "json_object"}}


def said(number: int, phase: str | None, *parts: Json) -> Json:
    shown = parts or (text(f'{{"a":{number}}}'),)
    more: Json = {} if phase is None else {"phase": phase}
    return message(*shown, id=f"msg_{number}", **more)


def everywhere(reply: Json, body: Json = JSON_FORMAT) -> Json:
    """Return the message that comes of a reply, which is the same in every delivery."""
    result = message_of(body, reply)
    events = events_of(reply)
    for sent in (events, like_llamacpp(events), [*events[:-1], ending(response())], events[-1:]):
        assert folded(streamed(body, sent))["message"] == result
    return result


@pytest.mark.parametrize(
    ("phases", "shown"),
    [
        (["final_answer", "final_answer"], 2),
        (["commentary", "final_answer", "final_answer", "commentary"], 3),
        (["final_answer", "commentary"], 1),
        (["commentary"], 1),
        (["commentary", "commentary"], 2),
        ([None, None], 1),
        (["commentary", None], 2),
        (["final_answer", None], 2),
        ([None, "final_answer"], 1),
        ([None, "commentary"], 1),
    ],
)
def test_one_document_is_shown(phases: Sequence[str | None], shown: int) -> None:
    messages = [said(number, phase) for number, phase in enumerate(phases, 1)]
    result = everywhere(response(*messages))
    assert result["content"] == f'{{"a":{shown}}}'
    assert result.get("phase") == phases[shown - 1]


def test_what_says_nothing_is_not_a_document() -> None:
    for phase in (None, "final_answer", "commentary"):
        empty = said(9, phase, text(""))
        assert everywhere(response(empty, said(1, "final_answer")))["content"] == '{"a":1}'
        assert everywhere(response(said(1, "commentary"), empty))["content"] == '{"a":1}'
    assert everywhere(response(said(1, "commentary", text(""))))["content"] == ""


def test_refusals_and_citations_wait_with_their_message() -> None:
    cited = said(1, "final_answer", text("{}", annotations=[citation(0, 2)]))
    refused = said(2, "final_answer", refusal("I won't."))
    assert everywhere(response(cited))["annotations"][0]["url_citation"]["end_index"] == 2
    result = everywhere(response(cited, refused))
    assert (result["content"], result["refusal"]) == (None, "I won't.")
    assert "annotations" not in result


@pytest.mark.parametrize("size", [1, 100])
def test_a_refusal_without_a_phase_is_not_a_document(size: int) -> None:
    document, refused = said(1, None), said(2, None, refusal("I won't."))
    for reply in (response(document, refused), response(refused, document)):
        result = everywhere(reply)
        assert (result["content"], result["refusal"]) == ('{"a":1}', "I won't.")
        assert folded(streamed(JSON_FORMAT, events_of(reply, size)))["message"] == result
    answered = said(3, "final_answer")
    result = everywhere(response(refused, answered))
    assert (result["content"], result["refusal"]) == ('{"a":3}', "I won't.")


@pytest.mark.parametrize(
    ("phases", "others"),
    [
        ([None], 0),
        (["final_answer"], 0),
        ([None, None], 1),
        (["commentary", "final_answer"], 1),
        ([None, "final_answer"], 1),
    ],
)
def test_what_is_left_out_is_reported(phases: Sequence[str | None], others: int) -> None:
    messages = [said(number, phase) for number, phase in enumerate(phases, 1)]
    reply = response(*messages, said(9, None, text("")))
    translation = translated(JSON_FORMAT)
    translation.reply([reply])
    assert translation.report.dropped == ["output.message"] * others
    stream = translated({**JSON_FORMAT, "stream": True})
    run(stream.stream(), events_of(reply))
    assert stream.report.dropped == ["output.message"] * others


def test_a_message_without_a_phase_is_shown_as_it_comes() -> None:
    for phase, shown in ((None, ['{"a', '":1', "}"]), ("final_answer", [])):
        stream = translated({"stream": True, **JSON_FORMAT}).stream()
        events = events_of(response(said(1, phase)))[:-1]
        chunks = [chunk for event in events for chunk in stream.feed(0, event)]
        assert [delta["content"] for delta in deltas_of(chunks)] == shown


def test_a_stop_sequence_cuts_the_document() -> None:
    body: Json = {**JSON_FORMAT, "stop": ":2"}
    result = everywhere(response(said(1, "final_answer"), said(2, "final_answer")), body)
    assert result["content"] == '{"a"'


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_HELD_CHARACTERS", 20)
    reply = response(*[said(number, "final_answer") for number in range(1, 4)])
    with pytest.raises(UpstreamError, match="more than 20 characters"):
        message_of(JSON_FORMAT, reply)


def test_without_a_json_format_everything_is_shown() -> None:
    body: dict[str, Any] = {}
    result = everywhere(response(said(1, "commentary"), said(2, "final_answer")), body)
    assert (result["content"], result["phase"]) == ('{"a":1}\n{"a":2}', "final_answer")


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (['{"a":1}', "[2]", '"b"'], '{"a":1}\n[2]\n"b"'),
        (["Checking.", '{"a":1}', "Done."], 'Checking.{"a":1}Done.'),
        (["{}", "", "{}"], "{}\n{}"),
        (["{}\n", "{}"], "{}\n{}"),
        (["{}", " {}"], "{} {}"),
    ],
)
@pytest.mark.parametrize("in_parts", [True, False])
def test_documents_are_not_run_together(
    texts: Sequence[str], shown: str, *, in_parts: bool
) -> None:
    items = [said(number, None, text(each)) for number, each in enumerate(texts, 1)]
    reply = response(*items)
    if in_parts:
        reply = response(message(*(text(each) for each in texts)))
    assert everywhere(reply, {})["content"] == shown
    completions = plan(Shape.COMPLETIONS, Shape.RESPONSES, {"prompt": "x"}, context())
    prompted = completions.reply([reply])
    assert prompted["choices"][0]["text"] == shown


def test_what_parts_documents_has_no_logprobs_and_moves_citations() -> None:
    parts = [text("{}", logprobs=entries("{", "}")) for _ in range(2)]
    parts[1]["annotations"] = [citation(0, 2)]
    reply = response(message(parts[0]), message(parts[1], id="msg_2"))
    body = {"logprobs": True}
    choice = whole(body, reply)["choices"][0]
    assert "".join(entry["token"] for entry in choice["logprobs"]["content"]) == "{}{}"
    cited = choice["message"]["annotations"][0]["url_citation"]
    assert choice["message"]["content"][cited["start_index"] : cited["end_index"]] == "{}"
    assert cited["start_index"] == 3
    assert folded(streamed(body, events_of(reply)))["message"] == choice["message"]


def test_a_message_without_text_is_not_one_that_is_left_out() -> None:
    messages = [said(1, None), said(2, None, text("", annotations=[citation(0, 1)]))]
    assert everywhere(response(*messages))["content"] == '{"a":1}'
    translation = translated(JSON_FORMAT)
    translation.reply([response(*messages)])
    assert not translation.report.size
