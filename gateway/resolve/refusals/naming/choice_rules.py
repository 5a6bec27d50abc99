"""Texts by which upstreams refuse to make several choices, or so many of them, in one call.

The gateway then makes several calls, and one reply of their choices.
"""

from gateway.resolve.refusals.naming.naming_rule import NamingRule, by_model, by_server

_CHOICES = ("n",)
_N = r"[`'\"]?\bn\b[`'\"]?"

CHOICE_RULES: tuple[NamingRule, ...] = (
    # vLLM, for a temperature of 0, and by its operator; candle-vllm
    by_model(rf"{_N} must be 1 when using greedy sampling\b", about=_CHOICES),
    by_server(rf"{_N} must be at most \d{{1,9}}, got \d", "vllm-choices-at-most", about=_CHOICES),
    # DeepSeek
    by_server(
        rf"Invalid {_N} value \(currently only {_N} ?= ?1 is supported\)",
        "deepseek-one-choice",
        about=_CHOICES,
    ),
    # Groq (dspy#1155); pydantic
    by_server(rf"{_N} : number must be at most \d{{1,9}}\b", about=_CHOICES),
    by_server(rf"{_N}: Input should be (?:less than or equal to \d|1\b)", about=_CHOICES),
    # Gemini
    by_model(
        r"Multiple candidates is not enabled for (?:this model|models/\S{1,200})",
        "gemini-one-candidate",
        about=_CHOICES,
    ),
    by_model(r"Only one candidate can be specified", about=_CHOICES),
    # llama.cpp
    by_server(r"Only one completion choice is allowed", about=_CHOICES),
    # Small servers, each with words of its own
    by_server(
        rf"(?:Only {_N} ?= ?1 is (?:supported|allowed)|{_N} must be (?:equal to )?1\b|"
        rf"{_N} ?(?:> ?1|= ?\d{{1,9}}) is (?:not (?:yet )?supported|unsupported)|"
        rf"(?:This model|The model \S{{1,200}}) (?:does not|doesn't) support {_N} ?> ?1)",
        about=_CHOICES,
    ),
)
