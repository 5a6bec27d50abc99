"""Large conversations are translated beside the event loop: streams go on meanwhile.

The translation waits for what has to happen meanwhile: it would wait in vain on the loop.
"""

import json
import threading
from collections.abc import Callable, Iterator
from queue import Queue

import pytest

from gateway.exchange import answers
from gateway.exchange.attempt import Attempts
from tests.door.doors import (
    CHAT,
    COMPLETIONS,
    RESPONSES,
    Client,
    Door,
    chat,
    connect,
    door,
    prompt,
    until,
)
from tests.door.upstream import (
    STREAM_END,
    STREAM_HEAD,
    Line,
    Seen,
    chat_reply,
    text_event,
    whole,
)
from tests.rows import module_fixture
from tests.waiting import PATIENCE

LARGE = 3 * 1024 * 1024
ROUNDS = 50


@module_fixture
def doors() -> Iterator[Door]:
    with door() as opened:
        yield opened


class Held:
    """Holds each translation of a large body until the test lets it go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: Queue[str] = Queue()
        self.go_on = threading.Semaphore(0)
        translated = Attempts._translated

        def held(attempts: Attempts, call: object, *others: object) -> object:
            if len(call.body) >= LARGE:  # type: ignore[attr-defined]
                self.begun.put(threading.current_thread().name)
                assert self.go_on.acquire(timeout=PATIENCE)
            return translated(attempts, call, *others)  # type: ignore[arg-type]

        monkeypatch.setattr(Attempts, "_translated", held)


def paced(next_event: "Queue[str]") -> Callable[[Line, Seen], None]:
    """Stream an event for each text that is put into the queue; an empty one ends the stream."""

    def script(line: Line, seen: Seen) -> None:
        if line.read_body(seen):
            line.send(STREAM_HEAD)
            while text := next_event.get(timeout=PATIENCE):
                line.send(text_event(text))
            line.send(STREAM_END)

    return script


def next_text(client: Client) -> str:
    """Return the text of the next event that has one."""
    while True:
        line = client._reader.readline()
        assert line, "the stream has ended"
        if line.startswith(b"data: {"):
            (choice,) = json.loads(line[6:])["choices"]
            text: str = choice.get("text") or ""
            if text:
                return text


def test_a_stream_goes_on_while_a_conversation_is_translated(
    doors: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, events = Held(monkeypatch), Queue[str]()
    doors.upstream.then(paced(events))
    before = len(doors.upstream.requests)
    with connect(doors.base_url) as streaming, connect(doors.base_url) as other:
        streaming.request("POST", COMPLETIONS, prompt(stream=True), connection="close")
        doors.upstream.wait_for(before + 1)
        other.request("POST", COMPLETIONS, prompt(LARGE))
        assert held.begun.get(timeout=PATIENCE).startswith("large-bodies")
        for number in range(ROUNDS):
            events.put(f"<{number}>")
            assert next_text(streaming) == f"<{number}>"
        assert len(doors.upstream.requests) == before + 1
        held.go_on.release()
        assert other.reply().status == 200
        events.put("")
        assert b"[DONE]" in streaming.rest()


def test_a_client_that_leaves_is_missed_while_its_conversation_is_translated(
    doors: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    before, left = len(doors.upstream.requests), doors.disconnects()
    with connect(doors.base_url) as leaving:
        leaving.request("POST", COMPLETIONS, prompt(LARGE))
        held.begun.get(timeout=PATIENCE)
    until(lambda: doors.disconnects() == left + 1)
    held.go_on.release()
    assert doors.served()
    assert len(doors.upstream.since(before)) == 1


def test_conversations_are_translated_one_at_a_time(
    doors: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    with connect(doors.base_url) as one, connect(doors.base_url) as other:
        for client in (one, other):
            client.request("POST", COMPLETIONS, prompt(LARGE))
        held.begun.get(timeout=PATIENCE)
        assert doors.served()
        assert held.begun.empty()
        held.go_on.release(2)
        assert [one.reply().status, other.reply().status] == [200, 200]


def test_a_fault_in_a_large_body_is_refused_like_one_in_a_small_body(doors: Door) -> None:
    for path, body in ((COMPLETIONS, prompt(LARGE, n="odd")), (CHAT, chat("x" * LARGE)[:-1])):
        with connect(doors.base_url) as client:
            client.request("POST", path, body)
            reply = client.reply()
            assert reply.status == 400
            assert reply.error["code"] in ("invalid_type", "invalid_json")


def noted_folds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what will be the names of the threads that fold a reply."""
    names: list[str] = []
    for name in ("_decoded", "_folded"):
        fold = getattr(answers, name)

        def noted(*given: object, fold: Callable[..., object] = fold) -> object:
            names.append(threading.current_thread().name)
            return fold(*given)

        monkeypatch.setattr(answers, name, noted)
    return names


@pytest.mark.parametrize("stops", [[], ["END"]], ids=["fast", "generic"])
def test_a_large_reply_is_folded_beside_the_loop(
    doors: Door, monkeypatch: pytest.MonkeyPatch, stops: list[str]
) -> None:
    names = noted_folds(monkeypatch)
    text = "é" * LARGE

    def script(line: Line, seen: Seen) -> None:
        if line.read_body(seen):
            line.send(whole(chat_reply(text)))

    doors.upstream.then(script)
    with connect(doors.base_url) as client:
        body = prompt(stop=stops) if stops else prompt()
        client.request("POST", COMPLETIONS, body)
        (choice,) = client.reply().json["choices"]
    assert choice["text"] == text
    assert names
    assert all(name.startswith("large-bodies") for name in names)


@pytest.mark.parametrize(
    ("path", "field", "apart"), [(RESPONSES, "input", True), (COMPLETIONS, "prompt", False)]
)
def test_a_response_to_a_large_request_is_folded_there_too_for_it_has_its_tools(
    doors: Door, path: str, field: str, *, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = noted_folds(monkeypatch)

    def script(line: Line, seen: Seen) -> None:
        if line.read_body(seen):
            line.send(whole(chat_reply("Hello")))

    doors.upstream.then(script)
    with connect(doors.base_url) as client:
        body = json.loads(prompt(LARGE, model="gpt-3.5-turbo"))
        client.request("POST", path, json.dumps({field: body.pop("prompt"), **body}).encode())
        assert client.reply().status == 200
    assert [name.startswith("large-bodies") for name in names] == [apart]
