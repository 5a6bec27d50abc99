"""Clients with one name or one key are named, both of them."""

from pathlib import Path

import pytest

from tests.config.configuring import refused

A, B = "a" * 64, "b" * 64


def clients(*entries: str) -> str:
    return "clients:\n" + "".join(f"- {{{entry}}}\n" for entry in entries)


def test_every_pair_is_named_with_its_places(tmp_path: Path) -> None:
    text = clients(
        f"name: one, key_sha256: {A}",
        f"name: two, key_sha256: {B}",
        f"name: one, key_sha256: [{'c' * 64}, {B.upper()}]",
        f"name: two, key_sha256: {'d' * 64}",
    )
    advice = "make the two clients differ"
    assert refused(tmp_path, text) == [
        "gateway.yaml:4: clients[2].name: is the same as clients[0].name (gateway.yaml:2); "
        + advice,
        "gateway.yaml:4: clients[2].key_sha256: is the same as clients[1].key_sha256 "
        "(gateway.yaml:3); " + advice,
        "gateway.yaml:5: clients[3].name: is the same as clients[1].name (gateway.yaml:3); "
        + advice,
    ]


def test_other_problems_do_not_hide_them(tmp_path: Path) -> None:
    text = clients(f"name: one, key_sha256: {A}, x: 1", f"name: one, key_sha256: {B}", "name: 3")
    found = "\n".join(refused(tmp_path, text))
    assert "unknown key 'x'" in found
    assert "clients[1].name: is the same as clients[0].name" in found


@pytest.mark.parametrize("text", ["clients: 3", "clients: [a, a]", "clients: [{}, {}]"])
def test_what_is_not_a_client_has_no_duplicate(tmp_path: Path, text: str) -> None:
    assert "is the same as" not in "\n".join(refused(tmp_path, text))
