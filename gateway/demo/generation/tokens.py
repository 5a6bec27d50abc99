"""Deterministic text of the emulated models, cut into tokens, each with its probabilities.

The tokeniser is the emulator's own: a word or a run of punctuation with the space before it, or a
run of white space, is one token. A character of four UTF-8 bytes (an emoji) is two tokens of two
bytes each, because real vocabularies split characters too, and a client must cope with a token that
is not text.
"""

import codecs
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_PIECE = re.compile(r"[\U00010000-\U0010ffff]| ?\w+| ?[^\w\s]|\s+")
_FOUR_BYTES = 0x10000


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could stand at a position, and its log probability."""

    token: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text, as it was sampled.

    `ranked` are the likeliest tokens of the position, best first, 20 of them; the sampled one is
    among them.
    """

    value: bytes
    logprob: float
    ranked: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One generated text: its visible tokens, and why it ended.

    `hidden` counts reasoning tokens, which are billed but not shown. `stop_sequence` has ended it.
    """

    tokens: tuple[bytes, ...]
    finish: str
    variant: int = 0
    hidden: int = 0
    stop_sequence: str | None = None

    @property
    def text(self) -> str:
        """The whole text; half a character at the end reads U+FFFD, as with OpenAI."""
        return text_of(self.tokens)

    def scored(self) -> list[Token]:
        """Return the tokens with their probabilities."""
        return scored(self.tokens, self.variant)

    def score(self) -> float:
        """Return the mean log probability per token, by which `best_of` ranks."""
        tokens = self.scored()
        return sum(token.logprob for token in tokens) / max(len(tokens), 1)


def tokenise(text: str) -> tuple[bytes, ...]:
    """Cut `text` into tokens; their bytes, joined, are the text's."""
    tokens: list[bytes] = []
    for piece in _split_wide(text):
        data = piece.encode()
        if len(piece) == 1 and ord(piece) >= _FOUR_BYTES:
            tokens += [data[:2], data[2:]]
        else:
            tokens.append(data)
    return tuple(tokens)


def _split_wide(text: str) -> Iterable[str]:
    for match in _PIECE.finditer(text):
        piece = match.group()
        if len(piece) > 1 and any(ord(char) >= _FOUR_BYTES for char in piece):
            yield from piece
        else:
            yield piece


def text_of(tokens: Iterable[bytes]) -> str:
    """Return the text of some tokens."""
    return b"".join(tokens).decode(errors="replace")


def pieces(tokens: Sequence[bytes]) -> list[str]:
    """Return the text that each token adds: nothing until a split character is complete.

    Joined they are `text_of(tokens)`.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    last = len(tokens) - 1
    return [decoder.decode(token, final=n == last) for n, token in enumerate(tokens)]


def generate(
    text: str,
    *,
    limit: int | None = None,
    stops: Sequence[str] = (),
    finish: str = "stop",
    variant: int = 0,
    hidden: int = 0,
) -> Candidate:
    """Generate `text` until it ends, a stop sequence appears or `limit` tokens are spent.

    `hidden` reasoning tokens are spent first. `finish` is the reason given when nothing cut it.
    """
    tokens = tokenise(text)
    spent_hidden = hidden if limit is None else min(hidden, limit)
    if limit is not None and len(tokens) + spent_hidden > limit:
        tokens = tokens[: limit - spent_hidden]
        finish = "length"
    generated = text_of(tokens)
    cut = _first_stop(generated, stops)
    if cut is not None:
        end, stop = cut
        return Candidate(tokenise(generated[:end]), "stop", variant, spent_hidden, stop)
    return Candidate(tokens, finish, variant, spent_hidden)


def _first_stop(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    """Return where the stop sequence that is complete first begins; the longest of several."""
    found = [(at + len(stop), at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    return min(found)[1:] if found else None


def scored(tokens: Sequence[bytes], variant: int = 0) -> list[Token]:
    """Give each token a probability and twenty ranked alternatives, always the same."""
    return [_scored(token, position, variant) for position, token in enumerate(tokens)]


def _scored(token: bytes, position: int, variant: int) -> Token:
    seed = hashlib.sha256(b"%d:%d:%b" % (variant, position, token)).digest()
    rank = seed[0] % 3
    others = [b" option%d" % n for n in range(20)]
    others.remove(token if token in others else others[-1])
    others.insert(rank, token)
    drop = seed[1] / 256
    ranked = tuple(
        Alternative(other, round(-0.05 - 0.5 * n - 0.1 * drop, 6)) for n, other in enumerate(others)
    )
    return Token(token, ranked[rank].logprob, ranked)
