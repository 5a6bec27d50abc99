"""Log probabilities: the object of completions and the entries of chat, into one another.

In completions: `{"tokens", "token_logprobs", "top_logprobs", "text_offset"}`, four parallel lists.
In chat and responses: a list of entries `{"token", "logprob", "bytes", "top_logprobs"}`; an
alternative in `top_logprobs` is an entry without alternatives of its own. All logprobs are natural
logarithms; `LOWEST` stands for "very unlikely" and for minus infinity, which JSON cannot express.
"""

import codecs
import re
from collections.abc import Sequence

from gateway.envelopes.upstream_json import LOWEST
from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.parts.fields import finite_number

_BYTES_LABEL = re.compile(r"bytes:((?:\\x[0-9a-fA-F]{2})+)")


class LegacyLogprobs:
    """Turns the entries of one choice into completions objects, incrementally.

    `offset` is the base of `text_offset`, in characters; `top` is how many alternatives the client
    asked for. The sampled token is always among the `top_logprobs`, so there can be `top + 1`.
    """

    def __init__(self, *, offset: int, top: int) -> None:
        self._offset = offset
        self._top = top
        # A character split over tokens moves the offset once, when its last byte has come.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def convert(self, entries: Sequence[Json]) -> Json:
        """Return the completions object of these entries; offsets continue those before.

        Raises `UpstreamError` for an invalid entry.
        """
        tokens: list[str] = []
        logprobs: list[float] = []
        alternatives: list[dict[str, float]] = []
        offsets: list[int] = []
        for entry in entries:
            label, logprob = _label(entry), _logprob(entry)
            tokens.append(label)
            logprobs.append(logprob)
            offsets.append(self._offset)
            best = self._best(entry)
            best.setdefault(label, logprob)
            alternatives.append(best)
            self._offset += len(self._decoder.decode(token_bytes(entry)))
        return {
            "tokens": tokens,
            "token_logprobs": logprobs,
            "top_logprobs": alternatives,
            "text_offset": offsets,
        }

    def _best(self, entry: Json) -> dict[str, float]:
        """Return the best alternatives by label; of two with one label the likelier one."""
        best: dict[str, float] = {}
        for alternative in _alternatives(entry)[: self._top]:
            label = _label(alternative)
            best[label] = max(best.get(label, LOWEST), _logprob(alternative))
        return best


def chat_logprobs(legacy: object, *, top: int) -> list[Json]:
    """Return the chat entries of a completions choice's `logprobs`, with `top` alternatives.

    The chat form (`{"content": […]}`), which llama.cpp's completions send, is read, too. In its
    `post_sampling_probs` mode it has probabilities instead of logprobs: then there are no entries.
    Raises `UpstreamError` for anything else; an empty value has no entries.
    """
    if not legacy:
        return []
    if not isinstance(legacy, dict):
        raise _malformed("neither an object nor null")
    if "content" in legacy:
        return _clean_entries(legacy["content"], top)
    tokens = _list(legacy, "tokens")
    logprobs = _list(legacy, "token_logprobs")
    alternatives = _list(legacy, "top_logprobs")
    entries: list[Json] = []
    for i, token in enumerate(tokens):
        entry = _entry_of(token, logprobs[i] if i < len(logprobs) else None)
        entry["top_logprobs"] = _ranked(alternatives[i] if i < len(alternatives) else None, top)
        entries.append(entry)
    return entries


def _list(legacy: Json, key: str) -> list[object]:
    value = legacy.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _malformed(f"'{key}' is not a list")
    return value


def _entry_of(token: object, logprob: object) -> Json:
    if not isinstance(token, str):
        raise _malformed("a token is not a string")
    return {"token": token, "logprob": _clamped(logprob), "bytes": list(label_bytes(token))}


def label_bytes(label: str) -> bytes:
    """Return the UTF-8 of a token, given the name that completions have for it."""
    escape = _BYTES_LABEL.fullmatch(label)
    if escape:
        return bytes.fromhex(escape[1].replace("\\x", ""))
    return label.encode("utf-8", "replace")


def _ranked(alternatives: object, top: int) -> list[Json]:
    if not isinstance(alternatives, dict):
        return []
    ranked = [_entry_of(token, logprob) for token, logprob in alternatives.items()]
    ranked.sort(key=_logprob, reverse=True)
    return ranked[:top]


def _clean_entries(content: object, top: int) -> list[Json]:
    if content is None:
        return []
    if not isinstance(content, list):
        raise _malformed("'content' is not a list")
    if any(isinstance(entry, dict) and "prob" in entry for entry in content):
        return []
    return [
        {**_clean(entry), "top_logprobs": [_clean(each) for each in _alternatives(entry)[:top]]}
        for entry in content
    ]


def _clean(entry: Json) -> Json:
    """Return an entry with chat's three keys only (llama.cpp adds `id`)."""
    return {
        "token": _token(entry),
        "logprob": _logprob(entry),
        "bytes": list(token_bytes(entry)),
    }


def truncate_entries(entries: Sequence[Json], text: str) -> list[Json]:
    """Return the entries of `text`, which is the text before a stop sequence.

    An entry whose token reaches beyond the end of the text belongs to it if its first byte does.
    """
    length = len(text.encode("utf-8", "replace"))
    kept: list[Json] = []
    position = 0
    for entry in entries:
        if position >= length:
            break
        kept.append(entry)
        position += len(token_bytes(entry))
    return kept


class Aligner:
    """Holds back the logprobs of text that is held back.

    An entry is released as soon as the first byte of its token is, as in `truncate_entries`.
    """

    def __init__(self) -> None:
        self._held: list[Json] = []
        self._lead = 0
        """How many bytes the released tokens reach beyond the released text."""

    def release(self, entries: Sequence[Json], text: str) -> list[Json]:
        """Add the entries of new text; return those of the text that is released now."""
        self._held += entries
        self._lead -= len(text.encode("utf-8", "replace"))
        count = 0
        while count < len(self._held) and self._lead < 0:
            self._lead += len(token_bytes(self._held[count]))
            count += 1
        released, self._held = self._held[:count], self._held[count:]
        return released

    def release_all(self, entries: Sequence[Json]) -> list[Json]:
        """Return all held entries, and these, at the end of a text without a stop sequence."""
        released, self._held = [*self._held, *entries], []
        return released


def token_bytes(entry: object) -> bytes:
    """Return the UTF-8 of an entry's token, which may be part of a character.

    Raises `UpstreamError` for an invalid entry.
    """
    raw = entry.get("bytes") if isinstance(entry, dict) else None
    if raw is None:
        return _token(entry).encode("utf-8", "replace")
    if not isinstance(raw, list) or not all(type(b) is int and 0 <= b <= 255 for b in raw):
        raise _malformed("'bytes' is not a list of bytes")
    return bytes(raw)


def _label(entry: Json) -> str:
    """Return the token as completions names it: its text, or escaped `bytes:` for a fragment."""
    raw = token_bytes(entry)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)


def _token(entry: object) -> str:
    token = entry.get("token") if isinstance(entry, dict) else None
    if not isinstance(token, str):
        raise _malformed("an entry has no token")
    return token


def _logprob(entry: Json) -> float:
    return _clamped(entry.get("logprob"))


def _clamped(logprob: object) -> float:
    number = finite_number(logprob)
    return LOWEST if number is None else max(float(number), LOWEST)


def _alternatives(entry: object) -> list[Json]:
    """Return an entry's alternatives, likeliest first."""
    alternatives = entry.get("top_logprobs") if isinstance(entry, dict) else None
    if not alternatives:
        return []
    if not isinstance(alternatives, list) or not all(isinstance(a, dict) for a in alternatives):
        raise _malformed("'top_logprobs' is not a list of objects")
    return sorted(alternatives, key=_logprob, reverse=True)


def _malformed(what: str) -> UpstreamError:
    return UpstreamError(f"The upstream's logprobs cannot be read: {what}.")
