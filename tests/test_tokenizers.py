"""Token ids become text with tiktoken, where it and its vocabulary are there."""

import logging
import sys
from types import ModuleType
from typing import Any

import pytest
import tiktoken

from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.tokenizers import Tokenizers, unknown_encodings
from tests import kinds

UPSTREAM = UpstreamSettings("openai", "https://api.openai.com/v1", kinds.OPENAI)


def settings(overall: str | None, *per_model: str | None) -> Settings:
    rules = tuple(
        ModelRule(f"model-{number}", translation=TranslationSettings(tokenizer=name))
        for number, name in enumerate(per_model)
    )
    return Settings(
        (UPSTREAM,),
        models=(*rules, ModelRule("other-name", model="other")),
        translation=TranslationSettings(tokenizer=overall),
    )


def small_encoding(name: str) -> tiktoken.Encoding:
    """A real encoding of single bytes and one merge, without the download of a big one."""
    ranks = {bytes([value]): value for value in range(256)}
    return tiktoken.Encoding(
        name,
        pat_str=r"\w+|\W+",
        mergeable_ranks={**ranks, b"hi": 256},
        special_tokens={"<|endoftext|>": 300},
    )


class Registry:
    """Stands in for the encodings that tiktoken would download."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.more: dict[str, tiktoken.Encoding] = {}
        monkeypatch.setattr(tiktoken, "get_encoding", self.get)

    def get(self, name: str) -> tiktoken.Encoding:
        self.asked.append(name)
        if name in self.more:
            return self.more[name]
        if not name.startswith("small"):
            raise ValueError(f"Unknown encoding {name}")
        return small_encoding(name)


def test_nothing_is_loaded_that_nobody_named(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(monkeypatch)
    assert Tokenizers(settings(None, None)).detokenizers == {}
    assert registry.asked == []


def test_every_named_encoding_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(monkeypatch)
    loaded = Tokenizers(settings("small-a", "small-b", "small-a", None)).detokenizers
    assert set(loaded) == {"small-a", "small-b"}
    assert registry.asked == ["small-a", "small-b"]


def test_tokens_become_text_special_ones_and_broken_characters_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Registry(monkeypatch)
    detokenize = Tokenizers(settings("small")).detokenizers["small"]
    assert detokenize([256, 33, 300]) == "hi!<|endoftext|>"
    assert detokenize([]) == ""
    assert detokenize([*"é".encode(), 0xC3]) == "é\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("token", [299, 100_000, -1, 2**40])
def test_an_id_that_the_vocabulary_lacks_is_a_value_error(
    monkeypatch: pytest.MonkeyPatch, token: int
) -> None:
    Registry(monkeypatch)
    detokenize = Tokenizers(settings("small")).detokenizers["small"]
    with pytest.raises(ValueError, match="is not in small"):
        detokenize([104, token])


def test_ids_are_mapped_where_the_other_vocabulary_has_the_same_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = Registry(monkeypatch)
    ranks = {bytes([value]): 255 - value for value in range(256)}
    target = tiktoken.Encoding(
        "o200k_base", pat_str=r".", mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 299}
    )
    registry.more["o200k_base"] = target
    rules = (
        ModelRule("alias", model="gpt-4o", translation=TranslationSettings(tokenizer="small")),
        ModelRule("twin", model="gpt-4o", translation=TranslationSettings(tokenizer="o200k_base")),
        ModelRule("other", model="llama", translation=TranslationSettings(tokenizer="small")),
        ModelRule("own", translation=TranslationSettings(tokenizer="small")),
    )
    tokenizers = Tokenizers(Settings((UPSTREAM,), models=rules))
    assert registry.asked == ["o200k_base", "small"]
    ((pair, counterpart),) = tokenizers.counterparts.items()
    assert pair == ("small", "o200k_base")
    assert [counterpart(id_) for id_ in (104, 256, 300, 299, -1, 2**40)] == [
        *(151, None, 299, None, None, None),
    ]


def test_a_vocabulary_that_only_models_have_is_not_a_detokenizer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Registry(monkeypatch)
    rules = (ModelRule("alias", model="gpt-4o"),)
    overall = TranslationSettings(tokenizer="small")
    tokenizers = Tokenizers(Settings((UPSTREAM,), models=rules, translation=overall))
    assert (set(tokenizers.detokenizers), tokenizers.counterparts) == ({"small"}, {})


def test_an_encoding_that_cannot_be_had_is_left_out_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Registry(monkeypatch)
    assert set(Tokenizers(settings("no-such", "small")).detokenizers) == {"small"}
    assert caplog.record_tuples == [
        ("gateway", logging.WARNING, "tokenizer no-such could not be loaded: ValueError")
    ]


def test_without_tiktoken_the_log_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    modules: dict[str, Any] = sys.modules  # None there makes an import fail
    absent: ModuleType | None = None
    monkeypatch.setitem(modules, "tiktoken", absent)
    assert Tokenizers(settings("small")).detokenizers == {}
    assert "pip install 'endpoint-gateway[tiktoken]'" in caplog.text


def test_an_encoding_that_tiktoken_does_not_have_is_named() -> None:
    assert not list(unknown_encodings(settings(None)))
    assert not list(unknown_encodings(settings("cl100k_base", "cl100k_base", "o200k_base")))
    unknown = list(unknown_encodings(settings("cl100k_bas", "x")))
    assert [each.partition(":")[0] for each in unknown] == [
        "translation.tokenizer",
        "models.model-0.tokenizer",
    ]
    assert "did you mean 'cl100k_base'?" in unknown[0]
    assert "there are " in unknown[1]


def test_without_tiktoken_its_absence_is_said_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    assert not list(unknown_encodings(settings("cl100k_bas")))
