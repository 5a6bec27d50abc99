import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.tools.custom import custom_as_function, unwrapped_input, wrapped_input
from gateway.translate.parts.tools.definitions import (
    is_strict_schema,
)

GRAMMAR = {"syntax": "lark", "definition": "start: A"}


@pytest.mark.parametrize(
    "form",
    [{"type": "grammar", "grammar": GRAMMAR}, {"type": "grammar", **GRAMMAR}],
)
def test_a_custom_tool_as_a_function_describes_its_grammar(form: Json) -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    tool = {"name": "p", "description": "edits", "format": form}
    function = custom_as_function(tool, "tools[0].custom", report)
    assert report.dropped == []
    assert function["name"] == "p"
    assert function["description"].startswith("edits\n\nPass the raw text")
    assert "start: A" in function["description"]
    assert "lark" in function["description"]
    assert function["parameters"]["required"] == ["input"]
    assert is_strict_schema(function["parameters"])


@pytest.mark.parametrize(
    ("form", "dropped"),
    [
        (None, []),
        ({}, []),
        ({"type": "text"}, []),
        ({"type": "grammar"}, ["tools[0].format"]),
        (
            {"type": "grammar", "grammar": {"syntax": "regex", "definition": ""}},
            ["tools[0].format"],
        ),
        ({"type": "of_tomorrow", **GRAMMAR}, ["tools[0].format"]),
    ],
)
def test_a_format_that_no_words_describe_is_reported(form: Json | None, dropped: list[str]) -> None:
    report = Report(Shape.RESPONSES, Shape.CHAT)
    function = custom_as_function({"name": "p", "format": form}, "tools[0]", report)
    assert function["description"] == "Pass the raw text as the single string argument input."
    assert report.dropped == dropped


@given(text=st.text())
def test_what_is_wrapped_is_unwrapped(text: str) -> None:
    assert unwrapped_input(wrapped_input(text)) == text
    assert json.loads(wrapped_input(text)) == {"input": text}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("raw text", "raw text"),
        ('"quoted"', "quoted"),
        ('{"patch": "x"}', "x"),
        ('{"a": "x", "b": "y"}', '{"a": "x", "b": "y"}'),
        ('{"input": "x", "b": "y"}', "x"),
        ('{"input": 5}', "5"),
        ('{"input": {"a": "é"}}', '{"a": "é"}'),
        ('{"input": null}', ""),
        ("{}", ""),
        (" { } ", ""),
        ("[1]", "[1]"),
        ("", ""),
        ("\ud800", "\ud800"),
        ('{"input": "a\\ud83d"}', "a\ufffd"),
        ('{"input": {"a": "\\ud83d"}}', '{"a": "\ufffd"}'),
        ('{"patch": "\\ud83d"}', "\ufffd"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_model_that_ignores_the_schema_is_understood(arguments: str, text: str) -> None:
    assert unwrapped_input(arguments) == text
