"""The checks of parameters that endpoints share; each endpoint's table is built on them."""

from collections.abc import Container, Iterable, Mapping

from gateway.demo.refusals import Refused
from gateway.demo.refusals.parameters import (
    invalid_type,
    missing_parameter,
    unknown_parameter,
    unrecognized_arguments,
)
from gateway.demo.rules import checks
from gateway.demo.rules.checks import Check, nullable

_INT64 = 2**63 - 1


def token_bias(path: str, value: object) -> None:
    """Accept `logit_bias`: token id to a number from -100 to 100."""
    if not isinstance(value, dict):
        raise invalid_type(path, "an object", checks.described(value))
    bias = checks.number(-100, 100)
    for token, amount in value.items():
        if not token.isascii() or not token.isdigit():
            raise Refused(
                400,
                f"Invalid key in '{path}': {token}. You should only be submitting non-negative"
                " integers.",
                param=path,
                code="invalid_value",
            )
        bias(f"{path}.{token}", amount)


def nonempty(path: str, value: object) -> None:
    """Accept strings that are not empty."""
    checks.string(path, value)
    if value == "":
        raise Refused(
            400,
            f"Invalid '{path}': empty string. Expected a string with minimum length 1, but got an"
            " empty string instead.",
            param=path,
            code="empty_string",
        )


def stop_sequences(path: str, value: object) -> None:
    """Accept one stop sequence, or at most four."""
    if isinstance(value, str):
        nonempty(path, value)
    else:
        checks.array(nonempty, most=4)(path, value)


STREAM_OPTIONS = nullable(
    checks.record(
        {}, {"include_usage": checks.boolean, "include_obfuscation": checks.boolean}, open_=False
    )
)

SHARED: Mapping[str, Check] = {
    "model": checks.string,
    "frequency_penalty": nullable(checks.number(-2, 2)),
    "logit_bias": nullable(token_bias),
    "max_tokens": nullable(checks.integer(0)),
    "n": nullable(checks.integer(1, 128)),
    "presence_penalty": nullable(checks.number(-2, 2)),
    "seed": nullable(checks.integer(-_INT64 - 1, _INT64)),
    "stop": nullable(stop_sequences),
    "stream": nullable(checks.boolean),
    "stream_options": STREAM_OPTIONS,
    "temperature": nullable(checks.number(0, 2)),
    "top_p": nullable(checks.number(0, 1)),
    "user": checks.string,
}
"""Parameters that completions and chat have in common (openai-openapi of August 2026)."""


def require_stream(body: Mapping[str, object]) -> None:
    """Refuse `stream_options` without `stream`."""
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Refused(
            400,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )


def check_recognized(known: Container[str], body: Iterable[str]) -> None:
    """Refuse parameters that are not `known`, all in one error."""
    unknown = [name for name in body if name not in known]
    if unknown:
        raise unrecognized_arguments(unknown)


def check_known(known: Container[str], body: Iterable[str]) -> None:
    """Refuse the first parameter that is not `known`."""
    for name in body:
        if name not in known:
            raise unknown_parameter(name)


def check_members(table: Mapping[str, Check], body: Mapping[str, object]) -> None:
    """Check every parameter of a body; raises `Refused` at the first wrong one."""
    for name, value in body.items():
        table[name](name, value)


def check_required(names: tuple[str, ...], body: Mapping[str, object]) -> None:
    """Refuse a body without one of `names`."""
    for name in names:
        if name not in body:
            raise missing_parameter(name)


def requested_model(body: Mapping[str, object]) -> str:
    """Return the requested model's name; raises `Refused` if there is none."""
    model = body.get("model")
    if model is None or model == "":
        raise Refused(400, "you must provide a model parameter")
    if not isinstance(model, str):
        raise invalid_type("model", "a string", checks.described(model))
    return model
