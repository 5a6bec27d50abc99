"""Prompt caches live on it: the next turn begins with the bytes of the one before.

Requests of conversations that grow turn by turn are written by two processes that have nothing in
common, not even the order of their sets.
"""

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from gateway.shapes import Json, Shape
from tests.translate.round_trips.exchanges import MODEL
from tests.translate.round_trips.requests import CLIENTS, requests
from tests.translate.round_trips.sent_by import sent_by_process
from tests.translate.round_trips.test_round_trips import SETTINGS

SAID: Mapping[Shape, str] = {
    Shape.COMPLETIONS: "prompt",
    Shape.CHAT: "messages",
    Shape.RESPONSES: "input",
    Shape.MESSAGES: "messages",
}


@pytest.mark.timeout(600)
def test_each_turn_begins_as_the_one_before() -> None:
    pairs = [pair for pair in permutations(Shape, 2) if pair[0] in CLIENTS]
    talks = {client: conversations(client) for client in CLIENTS}
    asked = [(*pair, turn) for pair in pairs for turns in talks[pair[0]] for turn in turns]
    ours, theirs = (iter(sent_by_process(seed, asked)) for seed in (1, 2))
    for client, home in pairs:
        compared = 0
        for turns in talks[client]:
            first, second = ([next(process) for _ in turns] for process in (ours, theirs))
            assert first == second
            compared += count_begun(client, home, turns, first)
        assert compared >= 5


def count_begun(client: Shape, home: Shape, turns: Sequence[Json], sent: Sequence[bytes]) -> int:
    """Return how many turns were compared with the ones before them."""
    compared = 0
    for turn, before, after in zip(turns[1:], sent, sent[1:], strict=False):
        if before and after and not (home is Shape.COMPLETIONS and instructs_later(turn)):
            assert said_in(home, after).startswith(beginning_of(client, home, before))
            compared += 1
    return compared


def instructs_later(request: Json) -> bool:
    """Whether something moves to the front of a prompt, where all instructions are."""
    said: Any = request.get("messages") or request.get("input") or ""
    roles = [each.get("role") for each in said if isinstance(each, dict)]
    return bool({"system", "developer"} & {*roles[1:]})


def conversations(client: Shape) -> list[list[Json]]:
    """Return the requests of conversations that grow turn by turn."""
    drawn: list[list[Json]] = []

    @settings(SETTINGS, max_examples=150)
    @given(requests(client, MODEL))
    def draw(request: Json) -> None:
        drawn.append(turns_of(client, request))

    draw()
    return [turns for turns in drawn if len(turns) > 1]


def turns_of(client: Shape, request: Json) -> list[Json]:
    """Return the requests that lead to this one: each ends with what is not the assistant's."""
    said = request[SAID[client]]
    if client is Shape.COMPLETIONS:
        ends = [len(said) - 1, len(said)] if isinstance(said, str) else []
    elif isinstance(said, str):
        ends = []
    else:
        nexts = [*said[1:], {}]
        ends = [n for n, pair in enumerate(zip(said, nexts, strict=True), 1) if _ends_a_turn(*pair)]
    return [{**request, "stream": False, SAID[client]: said[:end]} for end in ends if end]


def _ends_a_turn(last: Json, following: Json) -> bool:
    """Whether the model's turn comes next, now that it has the results of all its calls."""
    return (_is_result(last) or last.get("role") == "user") and not _is_result(following)


def _is_result(item: Json) -> bool:
    kind = item.get("type") or ""
    return item.get("role") in ("tool", "function") or kind.endswith("_call_output")


def said_in(home: Shape, body: bytes) -> bytes:
    """Return the list of messages or items, or the prompt, byte for byte."""
    raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])[SAID[home]]
    return bytes(raw)


def beginning_of(client: Shape, home: Shape, body: bytes) -> bytes:
    """Return what the next turn must begin with: all but what ends a list or a text.

    A prompt ends with the words that let the assistant speak.
    """
    said = said_in(home, body)
    if home is Shape.COMPLETIONS:
        return said.removesuffix(b'Assistant:"')
    if client is Shape.COMPLETIONS:
        return said.removesuffix(b'"}]')
    said = said.removesuffix(b"]")
    # What a user says stands after the results of the assistant's calls, in the same message.
    return said.removesuffix(b"]}") if home is Shape.MESSAGES else said
