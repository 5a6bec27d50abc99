import pytest

from gateway.translate.parts.tokens.ids import token_ids, vocabulary_of


@pytest.mark.parametrize(
    ("model", "vocabulary"),
    [
        ("davinci", "r50k_base"),
        ("ada:ft-org-2021", "r50k_base"),
        ("text-curie-001", "r50k_base"),
        ("text-davinci-001", "r50k_base"),
        ("text-davinci-003", "p50k_base"),
        ("code-cushman-001", "p50k_base"),
        ("text-davinci-edit-001", "p50k_edit"),
        ("davinci-002", "cl100k_base"),
        ("ft:babbage-002:org::id", "cl100k_base"),
        ("gpt-3.5-turbo-instruct", "cl100k_base"),
        ("gpt-35-turbo", "cl100k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-4o-mini", "o200k_base"),
        ("openai/gpt-4.1", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("gpt-5.4-mini", "o200k_base"),
        ("gpt-6-luna", "o200k_base"),
        ("gpt-oss-20b", "o200k_harmony"),
        ("llama-3", ""),
        ("adapter", ""),
        ("o1pus", ""),
    ],
)
def test_the_vocabulary_is_known_by_the_name(model: str, vocabulary: str) -> None:
    assert vocabulary_of(model) == vocabulary


def test_ids_are_foreign_to_a_model_of_another_vocabulary() -> None:
    ids = token_ids("p50k_base", "o200k_base", {}, may_be_known=True)
    assert (ids.foreign, ids.end_of_text, ids.model_vocabulary) == (True, 50256, "o200k_base")
    assert not token_ids("o200k_base", "o200k_base", {}, may_be_known=False).foreign


@pytest.mark.parametrize("may_be_known", [True, False])
def test_nothing_is_said_of_ids_that_nobody_knows(may_be_known: bool) -> None:
    assert not token_ids("", "o200k_base", {}, may_be_known=may_be_known).foreign
    assert not token_ids("", "", {}, may_be_known=may_be_known).foreign


def test_a_model_of_an_unknown_vocabulary_may_be_a_deployment() -> None:
    assert not token_ids("cl100k_base", "", {}, may_be_known=True).foreign
    assert token_ids("cl100k_base", "", {}, may_be_known=False).foreign


def test_the_mapping_between_two_vocabularies_is_found() -> None:
    mappings = {("p50k_base", "o200k_base"): lambda token: token + 1}
    assert token_ids("p50k_base", "o200k_base", mappings, may_be_known=True).counterpart is not None
    assert token_ids("p50k_base", "cl100k_base", mappings, may_be_known=True).counterpart is None
