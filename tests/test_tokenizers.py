"""Token ids become text with tiktoken, where it and its vocabulary are there."""

import logging
import sys
from types import ModuleType
from typing import Any

import pytest
import tiktoken

from gateway.config.settings import Kind, ModelRule, Settings, TranslationSettings, UpstreamSettings
from gateway.tokenizers import load_detokenizers

UPSTREAM = UpstreamSettings("openai", "https://api.openai.com/v1", Kind.OPENAI)


def settings(overall: str | None, *per_model: str | None) -> Settings:
    rules = tuple(
        ModelRule(f"model-{number}", translation=TranslationSettings(tokenizer=name))
        for number, name in enumerate(per_model)
    )
    return Settings(
        (UPSTREAM,),
        models=(*rules, ModelRule("plain", model="other")),
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
        monkeypatch.setattr(tiktoken, "get_encoding", self.get)

    def get(self, name: str) -> tiktoken.Encoding:
        self.asked.append(name)
        if not name.startswith("small"):
            raise ValueError(f"Unknown encoding {name}")
        return small_encoding(name)


def test_nothing_is_loaded_that_nobody_named(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(monkeypatch)
    assert load_detokenizers(settings(None, None)) == {}
    assert registry.asked == []


def test_every_named_encoding_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(monkeypatch)
    loaded = load_detokenizers(settings("small-a", "small-b", "small-a", None))
    assert set(loaded) == {"small-a", "small-b"}
    assert registry.asked == ["small-a", "small-b"]


def test_tokens_become_text_special_ones_and_broken_characters_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Registry(monkeypatch)
    detokenize = load_detokenizers(settings("small"))["small"]
    assert detokenize([256, 33, 300]) == "hi!<|endoftext|>"
    assert detokenize([]) == ""
    assert detokenize([*"é".encode(), 0xC3]) == "é\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("token", [299, 100_000, -1, 2**40])
def test_an_id_that_the_vocabulary_lacks_is_a_value_error(
    monkeypatch: pytest.MonkeyPatch, token: int
) -> None:
    Registry(monkeypatch)
    detokenize = load_detokenizers(settings("small"))["small"]
    with pytest.raises(ValueError, match="is not in small"):
        detokenize([104, token])


def test_an_encoding_that_cannot_be_had_is_left_out_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Registry(monkeypatch)
    assert set(load_detokenizers(settings("no-such", "small"))) == {"small"}
    assert caplog.record_tuples == [
        ("gateway", logging.WARNING, "tokenizer no-such could not be loaded: ValueError")
    ]


def test_without_tiktoken_the_log_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    modules: dict[str, Any] = sys.modules  # None there makes an import fail
    absent: ModuleType | None = None
    monkeypatch.setitem(modules, "tiktoken", absent)
    assert load_detokenizers(settings("small")) == {}
    assert "pip install 'endpoint-gateway[tiktoken]'" in caplog.text
