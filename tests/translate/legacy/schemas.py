"""Validates requests, replies and events against the OpenAI API description of June 2023.

`schemas.json` holds the schemas of the edits, engines and fine-tunes endpoints (openai-openapi,
tag 1.3.0, the last with all of them) as JSON Schema 2020-12: `nullable` as a null type, no texts.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

_DOCUMENT: dict[str, Any] = json.loads(
    Path(__file__).with_name("schemas.json").read_text(encoding="utf-8")
)


def properties(name: str) -> set[str]:
    """Return the names of an object's properties."""
    return set(_DOCUMENT["$defs"][name]["properties"])


def check_legacy(name: str, value: object) -> None:
    """Fail with the most telling problem unless `value` is valid for the schema of that name."""
    problem = best_match(_validator(name).iter_errors(value))
    if problem is not None:
        where = "".join(f"[{step!r}]" for step in problem.absolute_path)
        raise AssertionError(f"no valid {name}: at {where or 'its root'}: {problem.message[:2000]}")


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    assert name in _DOCUMENT["$defs"]
    return jsonschema.Draft202012Validator({**_DOCUMENT, "$ref": f"#/$defs/{name}"})
