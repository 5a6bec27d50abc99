"""Which vocabulary a model's token ids are of.

Names of OpenAI's models as tiktoken knows them (`tiktoken/model.py`). What is not among them is
some other model, whose vocabulary nobody can tell from its name.
"""

import re
from collections.abc import Mapping

from gateway.translate.parts.token_ids import Counterparts, TokenIds

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
    """Return the vocabulary of a model of OpenAI's, or of one that is tuned on it; "": unknown."""
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
    """Return what token ids of one vocabulary are to a model of another, or of the same.

    `counterparts` are the ways from one to the other that are at hand. `may_be_known`: a model
    whose vocabulary cannot be told may be of the first one all the same, as a deployment with a
    free name may.
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
