"""Log probabilities of generated tokens in OpenAI's two shapes: legacy columns, and entries."""

import codecs
from collections.abc import Sequence
from typing import Any

from gateway.demo.generation.tokens import Alternative, Token


def _readable(token: bytes) -> str | None:
    try:
        return token.decode()
    except UnicodeDecodeError:
        return None


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def legacy_label(token: bytes) -> str:
    r"""Return a token as completions shows it: half a character as `bytes:\xf0\x9f`."""
    text = _readable(token)
    return f"bytes:{_escaped(token)}" if text is None else text


def chat_label(token: bytes) -> str:
    r"""Return a token as chat shows it: half a character as `\xf0\x9f`."""
    text = _readable(token)
    return _escaped(token) if text is None else text


class LegacyColumns:
    """Writes the `logprobs` object of completions in pieces, with continuous offsets.

    `top` is the requested number of alternatives; the sampled token is listed besides. `offset` is
    that of the first token, in code points.
    """

    def __init__(self, top: int, offset: int) -> None:
        self._top = top
        self._offset = offset
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def columns(self, tokens: Sequence[Token], *, from_start: bool = False) -> dict[str, Any]:
        """Return the columns of the next tokens.

        `from_start`: the first token opens the prompt; nothing predicts it, so it has null.
        """
        offsets: list[int] = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(self._decoder.decode(token.value))
        numbers: list[float | None] = [token.logprob for token in tokens]
        tops: list[dict[str, float] | None] = [self._ranked(token) for token in tokens]
        if from_start and tokens:
            numbers[0] = tops[0] = None
        return {
            "tokens": [legacy_label(token.value) for token in tokens],
            "token_logprobs": numbers,
            "top_logprobs": tops,
            "text_offset": offsets,
        }

    def _ranked(self, token: Token) -> dict[str, float]:
        best = {legacy_label(one.token): one.logprob for one in token.ranked[: self._top]}
        return best | {legacy_label(token.value): token.logprob}


def entry(token: Token, top: int) -> dict[str, Any]:
    """Return one token's entry as chat and responses list it, with `top` alternatives."""
    return {
        **_entry(Alternative(token.value, token.logprob)),
        "top_logprobs": [_entry(one) for one in token.ranked[:top]],
    }


def _entry(one: Alternative) -> dict[str, Any]:
    return {"token": chat_label(one.token), "logprob": one.logprob, "bytes": list(one.token)}
