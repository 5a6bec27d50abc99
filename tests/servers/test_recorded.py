"""Model lists as servers sent them: who sent them is recognised, and what they say is read.

`recorded/NAME.json` is of the server whose `kind` is NAME: the `version` that sent it, the reply's
`headers` as far as they matter, the `list`, and of some models what their `cards` say.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway import servers
from gateway.resolve.metadata.model_lists import read_models
from gateway.resolve.metadata.server_kind import recognise
from gateway.shapes import Json
from tests.resolve.payloads import finished
from tests.servers.marks import bearing

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))


def read(path: Path) -> Json:
    document: Json = json.loads(path.read_text("utf-8"))
    return document


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_server_is_recognised_and_taken_for_no_other(path: Path) -> None:
    recorded, kind = read(path), servers.profile(path.stem)
    assert recognise(recorded["list"], recorded["headers"]) is kind
    assert recognise(recorded["list"]) in {kind, None}
    assert bearing(recorded["list"]) <= {kind}
    assert kind.tried == recorded["version"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_a_list_says_of_a_model_is_read(path: Path) -> None:
    recorded, kind = read(path), servers.profile(path.stem)
    cards: Any = finished(read_models(recorded["list"], kind))
    for name, expected in recorded["cards"].items():
        card = cards[name]
        told = {"shapes": list(card.shapes), "base": card.base}
        assert {**told, "context_length": card.context_length} == expected
