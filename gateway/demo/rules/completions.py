"""What /v1/completions takes and refuses (openai-openapi, CreateCompletionRequest)."""

from collections.abc import Mapping

from gateway.demo.generation.answer import Json
from gateway.demo.models import DemoModel, Quirk
from gateway.demo.refusals import Refused
from gateway.demo.refusals.parameters import (
    invalid_type,
    unsupported_parameter,
)
from gateway.demo.rules import checks, shared
from gateway.demo.rules.checks import Check, nullable

_LARGEST_TOKEN = 100_257
_EXPECTED_PROMPT = "a string, an array of strings, an array of tokens or an array of token arrays"


def _prompt(path: str, value: object) -> None:
    if not isinstance(value, list):
        checks.string(path, value)
    elif not value or all(_is_token(item) for item in value):
        _tokens(path, value)
    elif not all(isinstance(item, str) for item in value):
        if not all(isinstance(item, list) for item in value):
            raise invalid_type(path, _EXPECTED_PROMPT, "a mixed array")
        for position, item in enumerate(value):
            _tokens(f"{path}[{position}]", item)


def _is_token(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _tokens(path: str, value: object) -> None:
    checks.array(_token, least=1)(path, value)


def _token(path: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid_type(path, "an integer", checks.described(value))
    if not 0 <= value <= _LARGEST_TOKEN:
        raise Refused(
            400,
            f"Invalid token in prompt: {value}. Minimum value is 0, maximum value is"
            f" {_LARGEST_TOKEN} (inclusive).",
        )


PARAMETERS: Mapping[str, Check] = {
    **shared.SHARED,
    "prompt": nullable(_prompt),
    "best_of": nullable(checks.integer(0, 20)),
    "echo": nullable(checks.boolean),
    "logprobs": nullable(checks.integer(0, 5)),
    "suffix": nullable(checks.string),
}


def check_names(body: Json) -> None:
    """Refuse parameters that the endpoint does not have, whatever the model."""
    shared.check_recognized(PARAMETERS, body)


def check(body: Json, model: DemoModel) -> None:
    """Raise `Refused` unless the body is a request that OpenAI would serve on this model."""
    shared.check_required(("prompt",), body)
    shared.check_members(PARAMETERS, body)
    shared.require_stream(body)
    _check_choices(body)
    if body.get("suffix") and Quirk.SUFFIX not in model.quirks:
        raise unsupported_parameter("suffix")
    with_logprobs = body.get("logprobs") is not None
    if body.get("echo") and with_logprobs and Quirk.NO_ECHO_WITH_LOGPROBS in model.quirks:
        raise Refused(
            400,
            "Setting 'echo' and 'logprobs' at the same time is not supported for this model.",
        )


def _check_choices(body: Json) -> None:
    wanted = 1 if body.get("n") is None else body["n"]
    best_of = body.get("best_of")
    if best_of is None:
        return
    if best_of < wanted:
        raise Refused(
            400,
            "You requested that the server return more choices than it will generate (HINT: you"
            f" must set 'n' (currently {wanted}) to be at most 'best_of' (currently {best_of}), or"
            " omit either parameter if you don't specifically want to use them).",
            param="best_of",
        )
    if body.get("stream") and best_of > wanted:
        raise Refused(
            400,
            "Results cannot be streamed when 'best_of' is greater than 'n'.",
            param="best_of",
        )
