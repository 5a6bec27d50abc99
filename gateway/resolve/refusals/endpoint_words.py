"""Endpoints in messages: as paths, with any prefix, or in words."""

import re

from gateway.shapes import Shape

Home = Shape | str
"""A shape, or the path below /v1 of an endpoint that generates no text."""

_LAST_STEPS = (
    "chat/completions|completions|responses|messages|embeddings|images/generations|images/edits|"
    "audio/speech|audio/transcriptions|audio/translations|moderations|realtime|videos"
)
# A path has a slash: the bare word may be anything.
_PATH = (
    r"(?:(?:GET|POST) )?(?:https?://[\w.:-]{1,100})?"
    rf"(?:/(?:[\w.-]{{1,40}}/){{0,5}}?|(?:[\w.-]{{1,40}}/){{1,5}}?|(?=chat/|images/|audio/))"
    rf"(?:{_LAST_STEPS})(?![\w/-])"
)
# One word is an endpoint only with "API" or "endpoint" after it.
_WORDS = (
    r"(?:(?:chat(?:[ _-]?completions?)?|(?:text[ _-])?completions?|responses?|messages|embeddings?|"
    r"image[ _-]?generations?|images?|speech|transcriptions?|moderations?|realtime|videos?)"
    r"(?=['\"`]? (?:api|endpoint)s?\b)|chat[ _-]completions?(?=['\"`]?(?:$|[.,;:!\n])))"
)
ENDPOINT = rf"(?i:{_PATH}|{_WORDS})"
"""A pattern, without groups, for an endpoint within a sentence, without its quotes."""

# By the letters alone, the longest first: "/v1/chat/completions", "Chat Completions", …
_BY_LETTERS: tuple[tuple[re.Pattern[str], Home], ...] = (
    (re.compile(r"chat(?:completions?)?$"), Shape.CHAT),
    (re.compile(r"completions?$"), Shape.COMPLETIONS),
    (re.compile(r"responses?$"), Shape.RESPONSES),
    (re.compile(r"messages$"), Shape.MESSAGES),
    (re.compile(r"embeddings?$"), "embeddings"),
    (
        re.compile(r"(?:imagegenerations?|imagesgenerations|imagesedits|images?)$"),
        "images/generations",
    ),
    (re.compile(r"speech$"), "audio/speech"),
    (re.compile(r"(?:transcriptions?|translations|speechtotext)$"), "audio/transcriptions"),
    (re.compile(r"moderations?$"), "moderations"),
    (re.compile(r"realtime$"), "realtime"),
    (re.compile(r"(?:videogeneration|videos?)$"), "videos"),
)


def home_named(text: str) -> Home:
    """Return the endpoint meant by a match of `ENDPOINT`, or by a sort of model."""
    letters = re.sub(r"[^a-z]", "", text.lower())
    return next(home for pattern, home in _BY_LETTERS if pattern.search(letters))
