"""The checks of other layers are made for configurations that need them."""

from pathlib import Path

import pytest

from gateway.config.load import ConfigError, load
from gateway.config_checks import doubts, refusals


def test_without_parameters_nothing_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("models: {a: b}")
    settings = load(path, {}, further=refusals)
    assert [*doubts(settings)] == []


def test_parameters_are_judged_before_the_start(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("models: {a: b, c: {params: {set: {n: 1, logprobs: 3}}}}")
    assert len([*doubts(load(path, {}, further=refusals))]) == 1
    path.write_text("models: {a: b, c: {params: {set: {n: many}}}}")
    with pytest.raises(ConfigError, match=r"models\.c\.params\.set\.n: must be an integer"):
        load(path, {}, further=refusals)
