"""The form in which findings are shared."""

import pytest

from gateway.config.secret import Secret
from gateway.exchange.params.known_fixes import Worked
from gateway.resolve.memory import EndpointKey, Learned
from gateway.shapes import Shape
from gateway.stores.findings import (
    EndpointFinding,
    Finding,
    FixesFinding,
    decoded,
    derived,
    encoded,
    name_of,
    space_of,
)
from tests.stores.processes import ALICE, DROP, RENAME, TOOLS

ENDPOINT_KEYS: list[EndpointKey] = [
    (ALICE, "m", None),
    (ALICE, "m", TOOLS),
    (ALICE, "m", frozenset()),
    (ALICE, "m", Shape.CHAT),
]
FINDINGS: list[Finding] = [
    *(EndpointFinding.of(key, Learned(Shape.RESPONSES, 5), 7.5) for key in ENDPOINT_KEYS),
    FixesFinding.of((ALICE, "m", Shape.CHAT), Worked((DROP, RENAME), 5), 7.5),
    FixesFinding.of((ALICE, "m", Shape.RESPONSES), Worked((), 5), 7.5),
]


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_finding_reads_back_as_it_was(finding: Finding) -> None:
    again = decoded(encoded(finding))
    assert again == finding
    assert again is not None
    assert again.key == finding.key
    assert not finding.is_forgotten


def test_every_key_has_its_own_name_whatever_is_known_of_it() -> None:
    assert len({name_of(finding) for finding in FINDINGS}) == len(FINDINGS)
    for key in ENDPOINT_KEYS:
        forgotten = EndpointFinding.of(key, None, 9)
        assert forgotten.is_forgotten
        assert name_of(forgotten) == name_of(EndpointFinding.of(key, Learned(Shape.CHAT, 1), 2))
    gone = FixesFinding.of((ALICE, "m", Shape.CHAT), None, 9)
    assert gone.is_forgotten
    assert name_of(gone) in {name_of(finding) for finding in FINDINGS}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"type":"other"}',
        b'{"type":"endpoint","upstream":"u","fingerprint":"f","model":"m","at":"now"}',
        b'{"type":"endpoint","upstream":"u","fingerprint":"f","model":"m","at":1,"shape":"x"}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_a_finding_is_ignored(text: bytes) -> None:
    assert decoded(text) is None


def test_spaces_and_keys_are_those_of_the_secret() -> None:
    one, other = Secret("a" * 32), Secret("b" * 32)
    assert space_of(one) == space_of(Secret("a" * 32)) != space_of(other)
    assert derived(one, b"x") != derived(one, b"y")
    assert derived(one, b"x") != derived(other, b"x")
