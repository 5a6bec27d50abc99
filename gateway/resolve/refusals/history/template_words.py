"""How servers say that a model's chat template refuses a request.

The words are the template's. What stands before them is the server's, and so is the status: some
take what a template raises for a fault of their own, a 500 of the type `server_error` or the like
(llama.cpp and what is built on it, SGLang up to 0.4, llama-cpp-python, LM Studio: ollama#18241,
sglang#1342, lmstudio-bug-tracker#2298).
"""

import re
from typing import Final

from gateway.resolve.refusals.sentence_parts import NO_TEMPLATE

BEFORE: Final = (
    r"(?:"
    # llama.cpp, with the place in the template
    r"[\s\S]{0,1000}?Jinja Exception: |"
    # LM Studio
    r"Error rendering prompt with jinja template: \"(?:Error: )?|"
    # minijinja: TGI, mistral.rs
    r"(?:Template error: )?(?:invalid operation|syntax error): "
    r")?"
)
"""What stands before a template's words."""
SYSTEM_FIRST: Final = (
    r"(?:System messages? must be (?:at the beginning|first|the first)|"
    r"Only user, assistant and tool roles are supported, got system)"
)
"""Qwen's, Mistral's (opencode#5034) and others: they take one at the beginning only."""
NO_SYSTEM: Final = r"System role (?:is )?not supported"
"""Gemma's and others: they take none."""
ALTERNATING: Final = (
    r"(?:After the optional system message, )?conversation roles must alternate user(?:/| and )"
)
"""Gemma's, Mistral's and others: they take no two messages of one role in a row."""

_WORDS = rf"{SYSTEM_FIRST}|{NO_SYSTEM}|{ALTERNATING}"
_TEMPLATES = re.compile(rf"(?i:{BEFORE}(?:{_WORDS}))|{NO_TEMPLATE}")


def is_of_template(message: str) -> bool:
    """Whether an error's text is a template's, whatever its status and type say."""
    return _TEMPLATES.match(message) is not None
