"""docs/compatibility.md is true: its rows have tests, its parameters become what it says."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.legacy import edits, engines, fine_tunes
from tests.clients.test_reference_2023 import REFERENCE
from tests.documents import ROOT, marked_table

DOCUMENT = ROOT / "docs" / "compatibility.md"
ROWS = marked_table(DOCUMENT, "reference: 2023")
_TEST = re.compile(r"\[(?P<name>test_\w+)\]\((?P<path>\.\./tests/[\w/]+\.py)\)")


def endpoint_of(row: list[str]) -> str:
    return row[0].strip("`")


def defined_tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=endpoint_of)
def test_every_row_names_a_test_that_exists(row: list[str]) -> None:
    named = list(_TEST.finditer(row[2]))
    assert named
    for match in named:
        assert match["name"] in defined_tests((DOCUMENT.parent / match["path"]).resolve())


def test_every_call_of_the_reference_has_a_row() -> None:
    documented = [endpoint_of(row) for row in ROWS]
    assert len(documented) == len(set(documented))
    assert {f"{call['method']} {call['path']}" for call in REFERENCE.values()} <= set(documented)


def test_every_engine_call_has_a_row() -> None:
    below = "POST /v1/engines/{engine_id}/"
    documented = {endpoint_of(row).removeprefix(below) for row in ROWS}
    gone_below_engines = {"search", "generate"}
    assert set(engines.MODERN_PATHS) | gone_below_engines <= documented
    assert gone_below_engines <= set(engines.REMOVED)


# --- parameters --------------------------------------------------------------------------------

EDIT: Json = {"model": "m", "input": "the input", "instruction": "the instruction"}
EDIT_SAMPLES: Json = {**EDIT, "n": 2, "temperature": 0.5, "top_p": 0.5}
FINE_TUNE: Json = {"training_file": "file-a"}
FINE_TUNE_SAMPLES: Json = {
    **FINE_TUNE,
    "validation_file": "file-b",
    "model": "davinci-002",
    "n_epochs": 2,
    "batch_size": 3,
    "learning_rate_multiplier": 0.2,
    "prompt_loss_weight": 0.01,
    "compute_classification_metrics": True,
    "classification_n_classes": 2,
    "classification_positive_class": "yes",
    "classification_betas": [1.0],
    "suffix": "bot",
}


def rows_of(marker: str) -> dict[str, str]:
    return {row[0].strip("`"): row[1] for row in marked_table(DOCUMENT, marker)}


def test_every_parameter_of_edits_becomes_what_the_table_says() -> None:
    documented = rows_of("parameters: edits")
    assert set(documented) == set(edits.TABLE)
    for name, value in EDIT_SAMPLES.items():
        chat, _ = edits.request_to_chat({**EDIT, name: value}, Context("m", "m"))
        sent = "passed" if chat.get(name) == value else ""
        in_message = "message" if str(value) in chat["messages"][-1]["content"] else ""
        assert documented[name].startswith(sent or in_message or "neither")


@pytest.mark.parametrize("name", ["stream", "max_tokens", "stop", "logprobs"])
def test_what_edits_never_had_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        edits.request_to_chat({**EDIT, name: 1}, Context("m", "m"))
    assert caught.value.param == name


def test_every_parameter_of_fine_tunes_becomes_what_the_table_says() -> None:
    documented = rows_of("parameters: fine-tunes")
    assert set(documented) == set(fine_tunes.TABLE) == set(FINE_TUNE_SAMPLES)
    for name, value in FINE_TUNE_SAMPLES.items():
        assert documented[name].startswith(_becomes(name, value)), name


def _becomes(name: str, value: Any) -> str:
    try:
        job = fine_tunes.request_to_job({**FINE_TUNE, name: value}, TranslationSettings())
    except UnsupportedParameter as refused:
        return "refused" if refused.param == name else f"refused as {refused.param}"
    if job.body.get(name) == value:
        return "passed"
    if job.body["hyperparameters"].get(name) == value:
        return f"`hyperparameters.{name}`"
    assert name in job.dropped or name not in job.body
    return "dropped"


def test_the_defaults_of_fine_tunes_are_those_of_their_time() -> None:
    job = fine_tunes.request_to_job(FINE_TUNE, TranslationSettings())
    assert job.body["hyperparameters"] == {"n_epochs": 4}
    assert job.body["model"] == fine_tunes.SUCCESSORS["curie"] == "davinci-002"
    text = DOCUMENT.read_text("utf-8")
    for successor in set(fine_tunes.SUCCESSORS.values()):
        old = [name for name, new in fine_tunes.SUCCESSORS.items() if new == successor]
        named = r",\s".join(f"`{name}`" for name in old)
        assert re.search(rf"{named} → `{successor}`", text)


def test_another_weight_of_the_prompt_is_refused_or_dropped() -> None:
    body = {**FINE_TUNE, "prompt_loss_weight": 0.5}
    with pytest.raises(UnsupportedParameter):
        fine_tunes.request_to_job(body, TranslationSettings())
    dropping = TranslationSettings(on_unsupported="drop")
    assert fine_tunes.request_to_job(body, dropping).dropped == ("prompt_loss_weight",)
