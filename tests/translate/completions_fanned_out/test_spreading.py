from typing import Any

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.translate.completions_fanned_out import translate
from gateway.translate.limits.capabilities import Capabilities
from tests.translate.completions_fanned_out.backend import ONE_CHOICE, ONE_PROMPT, TOKENS, asking
from tests.translate.completions_via_chat.chat_backend import make_context


def test_without_n_there_is_a_call_for_each_choice_with_a_seed_of_its_own() -> None:
    translation = asking(ONE_CHOICE, n=2, seed=2**63 - 1, best_of=2)
    assert translation.calls == [
        {"model": "sent", "prompt": "a", "seed": 2**63 - 1},
        {"model": "sent", "prompt": "a", "seed": -(2**63)},
        {"model": "sent", "prompt": "b", "seed": 2**63 - 1},
        {"model": "sent", "prompt": "b", "seed": -(2**63)},
    ]
    assert translation.report.emulated == ["prompt", "n", "seed"]


def test_more_choices_than_fit_into_one_call_are_made_one_by_one() -> None:
    able = Capabilities(prompt_list=False, max_n=2)
    assert [call.get("n") for call in asking(able, n=2).calls] == [2, 2]
    assert [call.get("n") for call in asking(able, n=3).calls] == [None] * 6


def test_the_best_of_several_cannot_be_chosen_without_n() -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        asking(ONE_CHOICE, n=2, best_of=4)
    assert refused.value.param == "best_of"
    dropping = make_context(ONE_CHOICE, TranslationSettings(on_unsupported="drop"))
    body = {"model": "asked", "prompt": ["a"], "n": 2, "best_of": 4}
    translation = translate(body, dropping)
    assert "best_of" not in translation.calls[0]
    assert translation.report.dropped == ["best_of"]


def test_token_ids_become_text_where_the_server_takes_none() -> None:
    context = make_context(ONE_PROMPT, detokenize=lambda ids: "".join(chr(96 + i) for i in ids))
    body = {"model": "asked", "prompt": [[1, 2], [3]]}
    assert [call["prompt"] for call in translate(body, context).calls] == ["ab", "c"]
    one = {"model": "asked", "prompt": [1, 2]}
    assert [call["prompt"] for call in translate(one, context).calls] == ["ab"]
    with pytest.raises(UnsupportedParameter) as refused:
        asking(prompt=[1, 2])
    assert refused.value.param == "prompt"


def test_token_ids_are_sent_as_they_are_where_the_server_takes_them() -> None:
    translation = asking(TOKENS, prompt=[[1, 2], [3]])
    assert [call["prompt"] for call in translation.calls] == [[1, 2], [3]]
    assert translation.client_param(1, "prompt") == "prompt[1]"


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [True]}, "prompt"),
        ({"prompt": [None]}, "prompt"),
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"stream": 1}, "stream"),
        ({"best_of": "2"}, "best_of"),
        ({"seed": 1.5}, "seed"),
        ({"prompt": ["a"] * 257}, "prompt"),
        ({"prompt": ["a"] * 100, "n": 3}, "prompt"),
    ],
)
@pytest.mark.parametrize("able", [ONE_PROMPT, ONE_CHOICE, TOKENS])
def test_what_is_wrong_is_refused_naming_the_parameter(
    able: Capabilities, parameters: Any, param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asking(able, **parameters)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("named", "param"),
    [
        ("prompt", "prompt[1]"),
        ("prompt[0]", "prompt[1]"),
        ("stream_options.include_usage", "stream_options.include_usage"),
        ("logit_bias", None),
        (None, None),
        ("", None),
    ],
)
def test_an_upstreams_parameter_is_named_as_the_clients(
    named: str | None, param: str | None
) -> None:
    translation = asking(ONE_CHOICE, n=2, stream_options={})
    assert translation.client_param(3, named) == param
