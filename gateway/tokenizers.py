"""Turns token ids back into text with tiktoken, an optional extra."""

import logging
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from gateway.config.settings import Settings
from gateway.translate.contract import Detokenize

log = logging.getLogger("gateway")


def load_detokenizers(settings: Settings) -> dict[str, Detokenize]:
    """Return a detokenizer for every encoding that the configuration names.

    Loaded at start: an encoding's vocabulary is read from disk, or fetched, which must not happen
    while requests wait. An encoding that cannot be loaded is logged and left out; requests that
    need it are then refused with a 400.
    """
    names = {settings.translation.tokenizer}
    names |= {rule.translation.tokenizer for rule in settings.models if rule.translation}
    loaded: dict[str, Detokenize] = {}
    for name in sorted(name for name in names if name):
        try:
            loaded[name] = _load(name)
        except ImportError:
            log.warning("tokenizer %s: pip install 'endpoint-gateway[tiktoken]'", name)
        except Exception as error:  # noqa: BLE001 - tiktoken lets errors of its downloads through
            log.warning("tokenizer %s could not be loaded: %s", name, type(error).__name__)
    return loaded


def _load(name: str) -> Detokenize:
    encoding: Any = import_module("tiktoken").get_encoding(name)

    def detokenize(tokens: Sequence[int]) -> str:
        """Return the text; raises `ValueError` for an id that the vocabulary lacks."""
        try:
            text: str = encoding.decode_bytes(list(tokens)).decode("utf-8", "replace")
        except (KeyError, OverflowError) as error:
            raise ValueError(f"token {error} is not in {name}") from None
        return text

    return detokenize
