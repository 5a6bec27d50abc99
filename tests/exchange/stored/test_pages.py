"""Pages of input items."""

import pytest

from gateway.errors import InvalidRequest
from gateway.exchange.stored.pages import page_of
from gateway.shapes import Json

ITEMS: list[Json] = [{"id": f"msg_{number}"} for number in range(25)]


def ids(page: Json) -> list[str]:
    return [item["id"] for item in page["data"]]


def test_a_page_is_newest_first_and_twenty_long_unless_asked_otherwise() -> None:
    page = page_of(ITEMS, b"")
    assert ids(page) == [f"msg_{number}" for number in range(24, 4, -1)]
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("msg_24", "msg_5", True)


def test_following_the_pages_gives_every_item_once() -> None:
    seen: list[str] = []
    after = b""
    while True:
        page = page_of(ITEMS, b"order=asc&limit=7" + after)
        seen += ids(page)
        if not page["has_more"]:
            break
        after = b"&after=" + page["last_id"].encode()
    assert seen == [item["id"] for item in ITEMS]


def test_an_empty_list_has_an_empty_page() -> None:
    page = page_of([], b"limit=1")
    assert (page["data"], page["first_id"], page["has_more"]) == ([], None, False)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        (b"limit=0", "limit"),
        (b"limit=101", "limit"),
        (b"limit=x", "limit"),
        (b"limit=" + b"9" * 5000, "limit"),
        (b"order=up", "order"),
        (b"after=msg_99", "after"),
        (b"after=%ff", "after"),
    ],
)
def test_what_is_wrong_is_refused_by_name(query: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        page_of(ITEMS, query)
    assert raised.value.param == param
