from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.draft import Draft
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.to_messages.parameters import (
    write_cache,
    write_format,
    write_limit,
    write_stops,
    write_user,
)
from gateway.translate.parts.to_messages.thinking import Thinking
from tests.translate.messages_upstreams import CLAUDE, EPHEMERAL, context


def draft(client: Json, able: Capabilities = CLAUDE, **settings: Any) -> Draft:
    return Draft(client, context(able, **settings), Report(Shape.CHAT, Shape.MESSAGES))


@pytest.mark.parametrize(
    ("limit", "most", "thinking", "sent", "changed"),
    [
        (100, None, 0, 100, []),
        (100, 100, 0, 100, []),
        (101, 100, 0, 100, ["max_tokens:101->100"]),
        (None, 64000, 0, 64000, ["max_tokens:none->64000"]),
        (None, None, 0, 4096, ["max_tokens:none->4096"]),
        (None, None, 1024, 5120, ["max_tokens:none->5120"]),
    ],
)
def test_a_limit_is_always_sent(
    limit: int | None, most: int | None, thinking: int, sent: int, changed: list[str]
) -> None:
    made = draft({}, replace(CLAUDE, max_output_tokens=most))
    write_limit(made, limit, "max_tokens", Thinking(is_on=bool(thinking), budget=thinking))
    assert made.upstream == {"max_tokens": sent}
    assert made.report.changed == changed


def test_the_default_limit_is_configurable() -> None:
    made = draft({}, default_messages_max_tokens=99)
    write_limit(made, None, "max_tokens", Thinking())
    assert made.upstream == {"max_tokens": 99}


FEW = replace(CLAUDE, max_stops=2)


@pytest.mark.parametrize(
    ("stop", "able", "sent", "scanned"),
    [
        (None, CLAUDE, None, ()),
        ([], CLAUDE, None, ()),
        ("END", CLAUDE, ["END"], ()),
        (["a", "b", "a"], CLAUDE, ["a", "b"], ()),
        ("\n", CLAUDE, None, ("\n",)),
        (["a", "\n\n"], CLAUDE, ["a"], ("a", "\n\n")),
        (["a", "b", "c"], FEW, ["a", "b"], ("a", "b", "c")),
        (["a"], replace(CLAUDE, stop=False), None, ("a",)),
    ],
)
def test_stop_sequences_are_sent_or_looked_for(
    stop: object, able: Capabilities, sent: list[str] | None, scanned: tuple[str, ...]
) -> None:
    made = draft({} if stop is None else {"stop": stop}, able)
    assert write_stops(made) == scanned
    assert made.upstream.get("stop_sequences") == sent
    assert made.report.emulated == (["stop"] if scanned else [])


@pytest.mark.parametrize(
    ("client", "name", "dropped"),
    [
        ({}, None, []),
        ({"user": ""}, None, []),
        ({"user": "u"}, "u", []),
        ({"safety_identifier": "s"}, "s", []),
        ({"user": "u", "safety_identifier": "s"}, "s", ["user"]),
        ({"user": "s", "safety_identifier": "s"}, "s", []),
    ],
)
def test_one_name_of_the_user_is_sent(client: Json, name: str | None, dropped: list[str]) -> None:
    made = draft(client)
    write_user(made)
    assert made.upstream == ({} if name is None else {"metadata": {"user_id": name}})
    assert made.report.dropped == dropped


CLOSED: Json = {
    "type": "object",
    "properties": {"a": {"type": "object", "additionalProperties": False}},
    "additionalProperties": False,
}
OPEN: Json = {**CLOSED, "properties": {"a": {"properties": {}}}}


def test_schemas_are_sent_as_they_are() -> None:
    made = draft({})
    made.upstream["output_config"] = {"effort": "low"}
    write_format(made, {"type": "json_schema"}, "response_format", CLOSED)
    assert made.upstream["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": CLOSED},
    }
    write_format(made, {"type": "text"}, "response_format", None)
    assert not made.report.size


@pytest.mark.parametrize(
    ("kind", "schema", "able", "reason"),
    [
        ("json_object", None, CLAUDE, "JSON only with a schema"),
        ("json_schema", OPEN, CLAUDE, "additionalProperties"),
        ("json_schema", {"type": "object"}, CLAUDE, "additionalProperties"),
        ("json_schema", None, CLAUDE, "additionalProperties"),
        ("json_schema", CLOSED, replace(CLAUDE, json_schema=False), "no output formats"),
    ],
)
def test_formats_that_are_not_taken_are_refused(
    kind: str, schema: object, able: Capabilities, reason: str
) -> None:
    with pytest.raises(UnsupportedParameter, match=reason) as refused:
        write_format(draft({}, able), {"type": kind}, "text.format", schema)
    assert refused.value.param == "text.format"
    made = draft({}, able, on_unsupported="drop")
    write_format(made, {"type": kind}, "text.format", schema)
    assert made.upstream == {}
    assert made.report.dropped == ["text.format"]


AUTO = replace(CLAUDE, cache_auto=True)
TEXT = {"type": "text", "text": "a"}
MARKED = {**TEXT, "cache_control": EPHEMERAL}


@pytest.mark.parametrize(
    ("upstream", "marked"),
    [
        ({"messages": [{"role": "user", "content": "a"}]}, False),
        ({"messages": [{"role": "user", "content": [TEXT]}]}, False),
        ({"messages": [{"role": "user", "content": [TEXT, MARKED]}]}, True),
        ({"system": [MARKED], "messages": []}, True),
        ({"tools": [{"name": "f", "cache_control": EPHEMERAL}], "messages": []}, True),
        (
            {"messages": [{"role": "user", "content": [{"type": "x", "content": [MARKED]}]}]},
            True,
        ),
        (
            {"tools": [{"name": "f", "input_schema": {"cache_control": 1}}], "messages": []},
            False,
        ),
    ],
)
def test_the_cache_is_asked_for_where_nothing_else_asks(upstream: Json, marked: bool) -> None:
    made = draft({}, AUTO)
    made.upstream |= upstream
    write_cache(made)
    assert made.upstream.get("cache_control") == (None if marked else EPHEMERAL)
    made = draft({})
    made.upstream |= upstream
    write_cache(made)
    assert "cache_control" not in made.upstream


def test_a_clients_own_mark_is_sent() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    for able in (AUTO, CLAUDE):
        made = draft({"cache_control": mark}, able)
        write_cache(made)
        assert made.upstream == {"cache_control": mark}


def test_a_mark_that_is_none_is_dropped() -> None:
    made = draft({"cache_control": "odd"})
    write_cache(made)
    assert made.upstream == {}
    assert made.report.dropped == ["cache_control"]
