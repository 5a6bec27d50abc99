"""What of messages no prompt can hold is in the report."""

import pytest

from gateway.config.translation_settings import TemplateSettings
from gateway.shapes import Json
from tests.translate.chat_via_completions.cases import call_of, context, translated

TRANSCRIPT = TemplateSettings("transcript")
SOURCE = "{% for m in messages %}[{{ m.role }}:{{ m.name }}]{{ m.content }}{% endfor %}"
NAMED = [
    {"role": "system", "content": "S", "name": "Sam"},
    {"role": "user", "content": "Hi", "name": "Ann"},
    {"role": "assistant", "content": "Ho", "name": "Bob"},
    {"role": "user", "content": "Ha"},
]


def test_names_are_those_of_the_speakers_or_reported() -> None:
    translation = translated({"messages": NAMED}, context(template=TRANSCRIPT))
    prompt = translation.calls[0]["prompt"]
    assert prompt == "S\n\nAnn: Hi\nBob: Ho\nUser: Ha\nAssistant:"
    assert translation.report.dropped == ["messages[0].name"]


@pytest.mark.parametrize("template", ["raw", "finetune"])
def test_a_text_without_speakers_has_no_names(template: str) -> None:
    translation = translated({"messages": NAMED[:2]}, context(template=TemplateSettings(template)))
    assert translation.report.dropped == ["messages[0].name", "messages[1].name"]


def test_a_template_of_the_operators_may_render_names_or_not() -> None:
    tool = {"role": "tool", "content": "x", "tool_call_id": "a", "name": "f"}
    body = {"messages": [*NAMED, tool]}
    all_names = context(template=TemplateSettings("jinja", path="t", source=SOURCE))
    assert "[tool:f]" in call_of(body, all_names)["prompt"]
    assert translated(body, all_names).report.dropped == []
    none = TemplateSettings("jinja", path="t", source=SOURCE.replace("{{ m.name }}", ""))
    dropped = translated(body, context(template=none)).report.dropped
    assert dropped == [f"messages[{i}].name" for i in (0, 1, 2, 4)]


def test_marks_citations_and_the_unknown_are_reported() -> None:
    part: Json = {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    messages = [
        {"role": "user", "content": [{**part, "cache_control": {}}], "zzz": 1},
        {"role": "assistant", "content": "b", "annotations": [{}], "prefix": True},
        {"role": "assistant", "content": "c", "annotations": []},
    ]
    assert translated({"messages": messages}).report.dropped == [
        "messages[0].zzz",
        "messages[0].content[0].cache_control",
        "messages[0].content[0].prompt_cache_breakpoint",
        "messages[1].prefix",
        "messages[1].annotations",
    ]
