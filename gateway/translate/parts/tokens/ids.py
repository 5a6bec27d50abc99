"""Token ids: the vocabulary of the ids in a client's request, and that of the model.

OpenAI's models are known by their names in tiktoken (`tiktoken/model.py`). Any other name belongs
to another model, and says nothing about its vocabulary.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Counterpart = Callable[[int], int | None]
"""Returns the id of the same token in another vocabulary; None: no token has exactly that text."""

Counterparts = Mapping[tuple[str, str], Counterpart]
"""Mappings by the vocabularies that they lead from and to."""


@dataclass(frozen=True, slots=True)
class TokenIds:
    """The vocabulary of the token ids in a client's request, and whether the model shares it."""

    vocabulary: str = ""
    """The encoding's name as tiktoken has it; empty: not known."""
    end_of_text: int | None = None
    """The id with which a model of that vocabulary ends a text."""
    foreign: bool = False
    """The model has another vocabulary."""
    model_vocabulary: str = ""
    """The vocabulary of the model, if it differs and is known."""
    counterpart: Counterpart | None = None
    """Maps an id to the model's vocabulary, if both tokenizers are available."""


KNOWN_IDS = TokenIds()
"""Ids of the model's own vocabulary, as far as is known."""


_VOCABULARIES = (
    (re.compile(r"gpt-oss"), "o200k_harmony"),
    (re.compile(r"gpt-(?:3\.5|35|4(?!o|\.))|davinci-002|babbage-002"), "cl100k_base"),
    (re.compile(r"gpt-(?:4|[5-9]|\d\d)|o[1-9]\b|chatgpt-4o|codex-mini"), "o200k_base"),
    (re.compile(r"(?:text|code)-davinci-edit-"), "p50k_edit"),
    (re.compile(r"text-davinci-00[23]|code-|(?:davinci|cushman)-codex"), "p50k_base"),
    (re.compile(r"(?:text-|if-)?(?:davinci|curie|babbage|ada|cushman)\b"), "r50k_base"),
)
_END_OF_TEXT: Mapping[str, int] = {
    "r50k_base": 50256,
    "p50k_base": 50256,
    "p50k_edit": 50256,
    "cl100k_base": 100257,
    "o200k_base": 199999,
    "o200k_harmony": 199999,
}


def vocabulary_of(model: str) -> str:
    """Return the vocabulary of an OpenAI model, or of one tuned on it; "": unknown."""
    name = model.rpartition("/")[2]
    name = name.removeprefix("ft:")
    return next((known for pattern, known in _VOCABULARIES if pattern.match(name)), "")


def token_ids(
    written_for: str,
    model_vocabulary: str,
    counterparts: Counterparts,
    *,
    may_be_known: bool,
) -> TokenIds:
    """Return what ids written for one vocabulary are to a model with another, or the same.

    `counterparts` are the known mappings between vocabularies. `may_be_known`: a model whose
    vocabulary is unknown may still have that of the ids, for example a deployment with a free name.
    """
    known = bool(written_for) and (bool(model_vocabulary) or not may_be_known)
    foreign = known and written_for != model_vocabulary
    return TokenIds(
        written_for,
        _END_OF_TEXT.get(written_for),
        foreign=foreign,
        model_vocabulary=model_vocabulary if foreign else "",
        counterpart=counterparts.get((written_for, model_vocabulary)),
    )
