"""Turns token ids into text or into other vocabularies' ids, with tiktoken, an optional extra."""

import logging
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from gateway.config.checks.problems import KeyPath, show_path
from gateway.config.settings import Settings
from gateway.translate.contract import Detokenize
from gateway.translate.parts.tokens.ids import Counterpart, vocabulary_of

log = logging.getLogger("gateway")


class Tokenizers:
    """The tokenizers that a configuration needs, loaded at start.

    Loading reads from disk or downloads, which must not block requests. A vocabulary that cannot
    be loaded is logged and omitted; requests that need it are refused with a 400.
    """

    def __init__(self, settings: Settings) -> None:
        named = _named(settings).values()
        pairs = _pairs(settings)
        encodings: dict[str, Any] = {}
        for name in sorted({*named, *(target for _, target in pairs)}):
            try:
                encodings[name] = import_module("tiktoken").get_encoding(name)
            except ImportError:
                log.warning("tokenizer %s: pip install 'endpoint-gateway[tiktoken]'", name)
            except Exception as error:  # noqa: BLE001 - tiktoken passes on its downloads' errors
                log.warning("tokenizer %s could not be loaded: %s", name, type(error).__name__)
        self.detokenizers: dict[str, Detokenize] = {
            name: _detokenizer(name, encodings[name]) for name in encodings if name in named
        }
        """By encoding: token ids to text."""
        self.counterparts: dict[tuple[str, str], Counterpart] = {
            (own, target): _counterpart(encodings[own], encodings[target])
            for own, target in sorted(pairs)
            if own in encodings and target in encodings
        }
        """By the encodings of the ids and of the model."""


def unknown_encodings(settings: Settings) -> Iterator[str]:
    """Yield a sentence for every tokenizer that the installed tiktoken does not have."""
    if named := _named(settings):
        from gateway.config.checks.suggest import did_you_mean

        try:
            known = import_module("tiktoken").list_encoding_names()
        except ImportError:
            return  # the configuration's own checks say so
        for place, name in named.items():
            if name not in known:
                advice = did_you_mean(name, known) or f"there are {', '.join(sorted(known))}"
                yield f"{show_path(place)}: is not an encoding of tiktoken; {advice}"


def _named(settings: Settings) -> dict[KeyPath, str]:
    """Return the encodings of clients' ids, by their keys."""
    default = settings.translation.tokenizer
    named: dict[KeyPath, str] = {("translation", "tokenizer"): default} if default else {}
    for rule in settings.models:
        own = rule.translation.tokenizer if rule.translation else None
        if own and own != default:
            named["models", rule.pattern, "tokenizer"] = own
    return named


def _pairs(settings: Settings) -> set[tuple[str, str]]:
    """Return the pairs of a client's encoding and a model's that differ."""
    pairs: set[tuple[str, str]] = set()
    for rule in settings.models:
        own = (rule.translation or settings.translation).tokenizer
        target = vocabulary_of(rule.model or "")
        if own and target and own != target:
            pairs.add((own, target))
    return pairs


def _detokenizer(name: str, encoding: Any) -> Detokenize:
    def detokenize(tokens: Sequence[int]) -> str:
        """Return the text; raises `ValueError` for an id that the vocabulary lacks."""
        try:
            text: str = encoding.decode_bytes(list(tokens)).decode("utf-8", "replace")
        except (KeyError, OverflowError) as error:
            raise ValueError(f"token {error} is not in {name}") from None
        return text

    return detokenize


def _counterpart(own: Any, target: Any) -> Counterpart:
    def counterpart(token: int) -> int | None:
        """Return the id of the token with exactly the same bytes."""
        try:
            found: int = target.encode_single_token(own.decode_single_token_bytes(token))
        except (KeyError, OverflowError):
            return None
        return found

    return counterpart
