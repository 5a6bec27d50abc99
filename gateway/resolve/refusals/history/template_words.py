"""How servers say that a model's chat template refuses a request.

The words are the template's; what stands before them, and the status, are the server's. Some
servers report an exception of a template as a fault of their own, a 500 of the type `server_error`
or the like (llama.cpp and what is built on it, SGLang up to 0.4, llama-cpp-python, LM Studio:
ollama#18241, sglang#1342, lmstudio-bug-tracker#2298). So do vLLM and Ollama at messages
(Qwen3.8#217, ollama#17906).
"""

import re
from typing import Final

from gateway.resolve.refusals.sentence_parts import NO_TEMPLATE

BEFORE: Final = (
    r"(?:"
    # llama.cpp, with the place in the template
    r"(?:[^\n]{0,100}\n(?:[\s\S]{0,1000}?\n)?)?(?:Error: )?Jinja Exception: |"
    # LM Studio
    r"Error rendering prompt with jinja template: [`'\"](?:Error: )?|"
    # mlxcel
    r"the model[`'\"]s chat template rejected this request: |"
    # minijinja: TGI, mistral.rs
    r"(?:Template error: )?(?:invalid operation|syntax error): "
    r")?"
)
"""What stands before a template's words."""
SYSTEM_FIRST: Final = (
    r"(?:System messages? must be (?:at the beginning|first|the first)|"
    r"Only user, assistant and tool roles are supported, got system)"
)
"""Templates of Qwen, Mistral (opencode#5034) and others: a system message at the beginning only."""
NO_SYSTEM: Final = (
    r"(?:System role (?:is )?not supported|Only user and assistant roles are supported!?(?![,\w]))"
)
"""Templates of Gemma, the first ones of Mistral, and others: no system message."""
ALTERNATING: Final = (
    r"(?:After the optional system message, )?conversation roles must alternate user(?:/| and )"
)
"""Templates of Gemma, Mistral and others: no two messages of one role in a row."""
EFFORT: Final = (
    r"Un(?:expected reasoning effort |supported reasoning_effort: [`'\"])"
    r"(?P<given>\w{1,20})[`'\"]?\. Supported (?:types are|values:) "
)
"""Templates of Qwen and K2: only some reasoning efforts."""
ONE_CALL: Final = r"This model only supports single tool-calls at once"
"""Templates of Llama: no earlier calls that were made at once."""

_WORDS = rf"{SYSTEM_FIRST}|{NO_SYSTEM}|{ALTERNATING}|{EFFORT}|{ONE_CALL}"
_TEMPLATES = re.compile(rf"(?i:{BEFORE}(?:{_WORDS}))|{NO_TEMPLATE}")


def is_of_template(message: str) -> bool:
    """Whether an error's text is a template's, whatever its status and type say."""
    return _TEMPLATES.match(message) is not None
