"""Request ids: which are usable, and how new ones look."""

import multiprocessing
from uuid import UUID

import pytest

from gateway import request_ids
from gateway.request_ids import (
    given_id,
    header_line,
    id_in,
    line_among,
    new_line,
    usable,
    without_unusable,
)
from gateway.shapes import ClientHeaders


def test_new_ids_are_different_random_uuids() -> None:
    ids = {id_in(new_line()) for _ in range(10_000)}
    assert len(ids) == 10_000
    assert {UUID(each).version for each in ids} == {4}
    assert all(str(UUID(each)) == each for each in ids)


@pytest.mark.parametrize("value", [b"a", b"req_123", b"Root=1-67891233-abc;Self=2", b"x" * 128])
def test_visible_ascii_is_usable(value: bytes) -> None:
    assert usable(value) == value.decode()


@pytest.mark.parametrize(
    "value", [b"", b"x" * 129, b"a b", b"a\r\nb", b'a"b', b"a\\b", b"\xe9", b"a\x00", b"\x1b[31m"]
)
def test_what_could_break_a_line_is_not(value: bytes) -> None:
    assert usable(value) == ""


def test_a_client_gives_one_id() -> None:
    one, other = (request_ids.HEADER, b"one"), (request_ids.HEADER, b"other")
    assert given_id((one, (b"accept", b"*/*"))) == "one"
    assert given_id((one, other)) == ""
    assert given_id(()) == ""


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ([], ""),
        ([(b"request-id", b"a")], "a"),
        ([(b"request-id", b"a"), (b"x-request-id", b"b")], "b"),
        ([(b"x-request-id", b"b"), (b"request-id", b"a")], "b"),
        ([(b"x-request-id", b"b b"), (b"request-id", b"a"), (b"request-id", b"")], "a"),
    ],
)
def test_a_servers_id_has_one_of_two_names(fields: list[tuple[bytes, bytes]], found: str) -> None:
    assert id_in(line_among(fields)) == found


def test_ids_that_are_not_usable_go_no_further() -> None:
    accept = (b"accept", b"*/*")
    good = ClientHeaders([accept, (request_ids.HEADER, b"one")])
    assert without_unusable(good, "one") is good
    none = ClientHeaders([accept])
    assert without_unusable(none, "") is none
    bad = ClientHeaders([accept, (request_ids.HEADER, b"a b")])
    assert without_unusable(bad, "") == (accept,)


def test_forked_processes_have_other_ids() -> None:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        theirs = pool.apply(new_line)
    assert theirs[:-5] != new_line()[:-5]


def test_no_id_is_not_a_line() -> None:
    assert header_line("one") == b"x-request-id: one\r\n"
    assert header_line("") == b""
    assert id_in(b"") == ""
