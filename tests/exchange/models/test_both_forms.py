"""Model lists that clients of either API can read."""

from typing import Any

import msgspec
import pytest

from gateway.errors import InvalidRequest
from gateway.exchange.models.both_forms import in_both_forms, page_reply

OPENAIS = {"id": "gpt-4o", "object": "model", "created": 86_400, "owned_by": "system"}
ANTHROPICS = {
    "id": "claude-x",
    "type": "model",
    "display_name": "Claude X",
    "created_at": "1970-01-02T00:00:00Z",
    "max_tokens": 5,
}


def both(card: Any) -> Any:
    return msgspec.json.decode(in_both_forms(msgspec.json.encode(card)))


def page(query: bytes, count: int = 5) -> Any:
    cards = [msgspec.json.encode({**OPENAIS, "id": f"m{number}"}) for number in range(count)]
    body = page_reply(cards, query).body
    assert isinstance(body, bytes)
    found = msgspec.json.decode(body)
    return [card["id"] for card in found["data"]], found


def test_a_card_of_openais_gets_anthropics_members() -> None:
    assert both(OPENAIS) == {
        **OPENAIS,
        "type": "model",
        "display_name": "gpt-4o",
        "created_at": "1970-01-02T00:00:00Z",
    }


def test_a_card_of_anthropics_gets_openais_members() -> None:
    assert both(ANTHROPICS) == {
        **ANTHROPICS,
        "object": "model",
        "created": 86_400,
        "owned_by": "anthropic",
    }


@pytest.mark.parametrize(
    "card", [{"id": "m"}, {"id": "m", "object": "model"}, {"id": "m", "type": 1}]
)
def test_a_card_that_is_not_anthropics_is_not_owned_by_it(card: Any) -> None:
    assert "owned_by" not in both(card)


@pytest.mark.parametrize("name", ["after_id", "before_id"])
@pytest.mark.parametrize("others", ["", "&limit=2", "&after_id=m1", "&before_id=m1"])
def test_a_page_beside_an_unknown_model_is_none(name: str, others: str) -> None:
    if others.startswith(f"&{name}"):
        others = ""
    with pytest.raises(InvalidRequest, match=f"'{name}' is not the id") as caught:
        page(f"{name}=nope{others}".encode())
    assert caught.value.param == name


@pytest.mark.parametrize("created", [None, -1, "x", 10**18])
def test_a_time_that_cannot_be_written_is_the_epoch(created: Any) -> None:
    assert both({"id": "m", "created": created})["created_at"] == "1970-01-01T00:00:00Z"
    assert both({"id": "m", "created_at": "soon"})["created"] == 0


def test_what_is_not_an_object_stays() -> None:
    assert in_both_forms(b"[1]") == b"[1]"


def test_a_list_is_whole_without_a_limit() -> None:
    ids, found = page(b"")
    assert ids == ["m0", "m1", "m2", "m3", "m4"]
    assert (found["object"], found["has_more"]) == ("list", False)
    assert (found["first_id"], found["last_id"]) == ("m0", "m4")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (b"", ["m", "a", "d"]),
        (b"lifecycle=active", ["m", "a"]),
        (b"lifecycle[]=deprecated&lifecycle[]=retired", ["d", "r"]),
        (b"lifecycle%5B%5D=retired", ["r"]),
        (b"lifecycle=other", []),
        (b"lifecycle=deprecated&limit=1", ["d"]),
    ],
)
def test_a_list_has_the_stages_that_are_asked_for(query: bytes, ids: list[str]) -> None:
    stages = {"m": None, "a": "active", "d": "deprecated", "r": "retired"}
    cards = [
        msgspec.json.encode({**ANTHROPICS, "id": name, "lifecycle": stage})
        for name, stage in stages.items()
    ]
    body = page_reply(cards, query).body
    assert isinstance(body, bytes)
    found = msgspec.json.decode(body)
    assert [card["id"] for card in found["data"]] == ids
    assert found["first_id"] == (ids[0] if ids else None)
    assert not found["has_more"]


@pytest.mark.parametrize(
    ("query", "ids", "has_more"),
    [
        (b"limit=2", ["m0", "m1"], True),
        (b"limit=5", ["m0", "m1", "m2", "m3", "m4"], False),
        (b"limit=2&after_id=m1", ["m2", "m3"], True),
        (b"limit=2&after_id=m3", ["m4"], False),
        (b"after_id=m4", [], False),
        (b"limit=2&before_id=m4", ["m2", "m3"], True),
        (b"limit=9&before_id=m2", ["m0", "m1"], False),
        (b"after_id=m0&before_id=m3&limit=1", ["m1"], True),
    ],
)
def test_a_page_is_what_was_asked_for(query: bytes, ids: list[str], has_more: bool) -> None:
    shown, found = page(query)
    assert (shown, found["has_more"]) == (ids, has_more)
    assert found["first_id"] == (ids[0] if ids else None)


def test_an_empty_list_has_no_ends() -> None:
    assert page(b"", 0)[1] == {
        "object": "list",
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


@pytest.mark.parametrize("limit", [b"0", b"1001", b"x", b"-1", b"9" * 11, b"000000001" * 600])
def test_a_limit_that_is_none_is_refused(limit: bytes) -> None:
    with pytest.raises(InvalidRequest, match="from 1 to 1000") as raised:
        page(b"limit=" + limit)
    assert raised.value.param == "limit"
