"""The vocabulary that the token ids in a client's request are of, and that of the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Counterpart = Callable[[int], int | None]
"""The id of the same token in another vocabulary; None: it has no token of exactly that text."""

Counterparts = Mapping[tuple[str, str], Counterpart]
"""By the vocabularies that they lead from and to."""


@dataclass(frozen=True, slots=True)
class TokenIds:
    """What the token ids in a client's request are of, and whether the model knows them."""

    vocabulary: str = ""
    """The encoding's name as tiktoken has it; empty: not known."""
    end_of_text: int | None = None
    """The id that a model of that vocabulary ends a text with."""
    foreign: bool = False
    """The model has another vocabulary."""
    model_vocabulary: str = ""
    """The model's, where it is another one and known."""
    counterpart: Counterpart | None = None
    """Maps into the model's vocabulary, where both tokenizers are at hand."""


KNOWN_IDS = TokenIds()
"""Ids that are the model's own, as far as is known."""
