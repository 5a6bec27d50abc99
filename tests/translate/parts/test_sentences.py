"""Each sentence of a composed message ends with its stop, whoever wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translate.parts.sentences import joined, sentence, with_upstream_parameter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No such model", "No such model."),
        ("No such model.", "No such model."),
        ("  No such model. \r\n", "No such model."),
        ("Did you mean v1/completions?", "Did you mean v1/completions?"),
        ("Stop!", "Stop!"),
        ("and so on ...", "and so on ..."),
        ("and so on…", "and so on…"),
        ("unknown model 'x'", "unknown model 'x'."),
        ("It said 'no.'", "It said 'no.'"),
        ('It asked "why?" ', 'It asked "why?"'),
        ("failed (code 5)", "failed (code 5)."),
        ("Failed. (It was late.)", "Failed. (It was late.)"),
        ("failed:", "failed."),
        ("one, ", "one."),
        ("one --", "one."),
        ("one\uff1a ; ", "one."),
        ("::: " * 100_000, ""),
        ("why?" + "'" * 100_000, "why?" + "'" * 100_000),
        ("当前模型不存在。", "当前模型不存在。"),
        ("「模型不存在。」", "「模型不存在。」"),
        ("无效的模型\uff01", "无效的模型\uff01"),
        ("当前模型不存在", "当前模型不存在."),
        ("مدل وجود ندارد؟", "مدل وجود ندارد؟"),
        ("मॉडल नहीं है।", "मॉडल नहीं है।"),
        ("", ""),
        (" \t\n", ""),
        (":", ""),
    ],
)
def test_a_sentence_has_one_stop(text: str, expected: str) -> None:
    assert sentence(text) == expected


@given(st.text())
def test_a_sentence_is_one_already(text: str) -> None:
    assert sentence(sentence(text)) == sentence(text)


def test_sentences_are_joined_and_empty_ones_left_out() -> None:
    assert joined("No such model", "", "Did you mean 'x'?", " 好。") == (
        "No such model. Did you mean 'x'? 好。"
    )
    assert joined() == ""


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Bad prompt.", "Bad prompt (upstream parameter: p)."),
        ("Bad prompt", "Bad prompt (upstream parameter: p)."),
        ("Bad prompt: ", "Bad prompt (upstream parameter: p)."),
        ("Is it 'x'?", "Is it 'x'? (upstream parameter: p)."),
        ("Bad...", "Bad... (upstream parameter: p)."),
        ("It said 'no.'", "It said 'no.' (upstream parameter: p)."),
        ("参数错误。", "参数错误。 (upstream parameter: p)."),
        ("", "(upstream parameter: p)."),
    ],
)
def test_the_upstreams_parameter_stands_before_the_stop(message: str, expected: str) -> None:
    assert with_upstream_parameter(message, "p") == expected
