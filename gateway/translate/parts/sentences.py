"""Messages composed of an upstream's words and the gateway's, each sentence with a full stop.

Upstreams end their messages with a full stop or without, with a question mark or a stop of another
script, within quotes, or with trailing spaces.
"""

import unicodedata
from collections.abc import Callable

_STOPS = ("FULL STOP", "QUESTION MARK", "EXCLAMATION MARK", "ELLIPSIS", "DANDA")
"""Words in the Unicode names of characters that end a sentence, in any script."""
_DANGLING = ("COMMA", "COLON", "DASH", "HYPHEN")
"""Words in the Unicode names of characters that announce more; "semicolon" contains one."""
_CLOSERS = frozenset({"Pe", "Pf", "Pi"})
"""Unicode categories of closing brackets and quotes; quotes on a keyboard belong to no pair."""


def sentence(text: str) -> str:
    """Return a text without space around it, and with a stop at its end.

    A stop of any script counts, also inside closing quotes or brackets. An empty text stays empty.
    """
    text = text.strip()
    if _has_word(_without_end(text, _closes)[-1:], _STOPS):
        return text
    text = _without_end(text, _dangles)
    return f"{text}." if text else ""


def joined(*sentences: str) -> str:
    """Return several texts as one, each made a `sentence`; empty ones are left out."""
    return " ".join(filter(None, map(sentence, sentences)))


def with_upstream_parameter(message: str, name: str) -> str:
    """Return an error's message with the upstream's own name of the parameter that it is about.

    For errors whose `param` is the client's name, so that their message can still be understood.
    """
    message = sentence(message)
    if message.endswith(".") and not message.endswith(".."):
        message = message[:-1]
    return f"{message} (upstream parameter: {name}).".lstrip()


def _without_end(text: str, superfluous: Callable[[str], bool]) -> str:
    """Return a text without the superfluous characters at its end."""
    end = len(text)
    while end and superfluous(text[end - 1]):
        end -= 1
    return text[:end]


def _closes(character: str) -> bool:
    return unicodedata.category(character) in _CLOSERS or character in "\"'`"


def _dangles(character: str) -> bool:
    return character.isspace() or _has_word(character, _DANGLING)


def _has_word(character: str, words: tuple[str, ...]) -> bool:
    """Whether a character, or none, has one of these words in its name."""
    return bool(character) and any(word in unicodedata.name(character, "") for word in words)
