import re

import pytest

from gateway.errors import InvalidRequest
from gateway.translate.parts.tools.namespaces import FlatNames


def test_namespaces_are_flattened_and_split_again() -> None:
    names = FlatNames()
    flat = names.add("files", "read", "tools[0]")
    assert flat == "files__read"
    assert names.split(flat) == ("files", "read")
    assert names.add(None, "read", "tools[1]") == "read"
    assert names.split("read") == (None, "read")
    assert names.split("unknown") == (None, "unknown")
    assert names.add("files", "read", "tools[2]") == flat


@pytest.mark.parametrize("namespace", ["n" * 60, "näme", "a b"])
def test_a_namespace_that_no_name_can_hold_becomes_its_hash(namespace: str) -> None:
    names = FlatNames()
    flat = names.add(namespace, "read", "p")
    assert re.fullmatch("ns_[0-9a-f]{8}__read", flat)
    assert names.split(flat) == (namespace, "read")


def test_long_names_of_tools_are_cut_and_differ_by_the_hash() -> None:
    names = FlatNames()
    longest, other = "t" * 60 + "tail", "t" * 60 + "lost"
    flat = names.add("files", longest, "p")
    assert re.fullmatch("ns_[0-9a-f]{8}__t{51}", flat)
    assert names.add("files", other, "p") != flat
    assert names.split(flat) == ("files", longest)


def test_other_letters_in_the_name_of_a_tool_are_replaced() -> None:
    names = FlatNames()
    flat = names.add("files", "a.b c", "p")
    assert re.fullmatch("ns_[0-9a-f]{8}__a_b_c", flat)
    assert names.split(flat) == ("files", "a.b c")
    assert names.add("files", "a b.c", "p") != flat


def test_names_that_collide_are_refused() -> None:
    names = FlatNames()
    names.add("a", "b", "tools[0]")
    with pytest.raises(InvalidRequest) as caught:
        names.add(None, "a__b", "tools[1]")
    assert caught.value.param == "tools[1]"
