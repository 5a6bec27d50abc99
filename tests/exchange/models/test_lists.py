"""Model lists of every form are read as far as their ids, and what is not a list is refused."""

import asyncio

import pytest

from gateway.exchange.models.lists import (
    PIECE,
    NoList,
    cards_by_id,
    entries_of,
    has_more,
    in_pieces,
)

CARD = b'{"id": "a", "x": [1e999]}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"object":"list","data":[%b]}',
        b'{"data":[%b],"models":[{"id":"b"}]}',
        b'{"models":[%b]}',
        b'{"data":null,"models":[%b]}',
        b"[%b]",
        b" \n\t[%b]",
        b'{"data":[{"id":5},%b,{},null,"id",[{"id":"c"}]]}',
    ],
)
def test_a_list_in_any_envelope(body: bytes) -> None:
    assert cards_by_id(entries_of(body % CARD)) == [("a", CARD)]


@pytest.mark.parametrize(
    ("body", "card"),
    [
        (b'\xef\xbb\xbf{"data":[{"id":"a"}]}', b'{"id":"a"}'),
        (b'[{"id": "a", "x": NaN}]', b'{"id":"a","x":null}'),
        (b'{"data": [{"id": "a"}], "more": -Infinity}', b'{"id":"a"}'),
    ],
)
def test_a_list_that_is_not_valid_json_is_fixed(body: bytes, card: bytes) -> None:
    assert cards_by_id(entries_of(body)) == [("a", card)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"data":[{"id":"a"}],"has_more":true,"first_id":"a","last_id":"a"}', True),
        (b'{"data":[{"id":"a"}], "last_id": "a", "has_more": true}', True),
        (b'{"data":[{"id":"a"}],"has_more":false,"last_id":"a"}', False),
        (b'{"data":[{"id":"a"}],"has_more":true,"last_id":null}', False),
        (b'{"data":[{"id":"a"}],"has_more":true}', False),
        (b'{"data":[{"id":"a"}],"has_more":"true","last_id":"a"}', False),
        (b'[{"id":"a","has_more":true,"last_id":"a"}]', False),
        (b'{"data":[{"id":"a"}],"has_more":true,"last_id":"a"', False),
        (b'{"data":[{"id":"a"}]}', False),
    ],
)
def test_a_page_of_a_list_says_that_more_follows(body: bytes, expected: bool) -> None:
    assert has_more(body) is expected


@pytest.mark.parametrize("body", [b'{"data":[]}', b'{"data":null}', b"[]", b'{"models":[]}'])
def test_an_empty_list_is_one(body: bytes) -> None:
    assert list(entries_of(body)) == []


def test_a_name_that_is_no_text_hides_no_other() -> None:
    entries = entries_of(b'{"data":[{"id":"a\xff"},{"id":"b"}]}')
    assert [name for name, _ in cards_by_id(entries)] == ["a\ufffd", "b"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b'{"data":[', "not JSON"),
        (b'{"data":[{"id":"a"}]}x', "not JSON"),
        (b'{"data":[{"id":\xff}]}', "not JSON"),
        (b'{"data":' + b"[" * 100_000, "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"data":5}', "no list"),
        (b'{"data":{"id":"a"}}', "no list"),
        (b"{}", "no list"),
        (b'{"models":null}', "no list"),
        (b"null", "no list"),
        (b'"[]"', "no list"),
        (b'\xef\xbb\xbf{"data":5}', "no list"),
        (b'{"x":NaN}', "no list"),
    ],
)
def test_what_is_not_a_list(body: bytes, wrong: str) -> None:
    with pytest.raises(NoList, match=wrong):
        entries_of(body)


def test_other_tasks_have_a_turn_between_two_pieces() -> None:
    async def scenario() -> None:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        seen: list[int] = []
        async for piece in in_pieces(range(4 * PIECE + 1)):
            seen += piece
        task.cancel()
        assert seen == list(range(4 * PIECE + 1))
        assert turns == 4

    asyncio.run(scenario())
