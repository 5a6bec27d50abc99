"""Refusals of a parameter, or of its value."""

from gateway.demo.refusals import Refused

RESPONSES_REFERENCE = "https://platform.openai.com/docs/api-reference/responses/create"


def unrecognized_arguments(names: list[str]) -> Refused:
    """Refuse parameters that chat or completions does not have."""
    noun = "argument" if len(names) == 1 else "arguments"
    return Refused(400, f"Unrecognized request {noun} supplied: {', '.join(sorted(names))}")


def unknown_parameter(path: str) -> Refused:
    """Refuse a parameter, at any depth, that the endpoint does not have."""
    return Refused(400, f"Unknown parameter: '{path}'.", param=path, code="unknown_parameter")


def moved_parameter(old: str, new: str) -> Refused:
    """Refuse a chat parameter at /v1/responses."""
    return Refused(
        400,
        f"Unsupported parameter: '{old}'. In the Responses API, this parameter has moved to"
        f" '{new}'. Try again with the new parameter. See the API documentation for more"
        f" information: {RESPONSES_REFERENCE}.",
        param=old,
        code="unsupported_parameter",
    )


def missing_parameter(path: str) -> Refused:
    """Ask for a parameter that is absent."""
    return Refused(
        400,
        f"Missing required parameter: '{path}'.",
        param=path,
        code="missing_required_parameter",
    )


def invalid_type(path: str, expected: str, got: str) -> Refused:
    """Refuse a wrong JSON type; `expected` and `got` carry their articles."""
    return Refused(
        400,
        f"Invalid type for '{path}': expected {expected}, but got {got} instead.",
        param=path,
        code="invalid_type",
    )


def invalid_value(path: str, got: object, supported: tuple[str, ...]) -> Refused:
    """Refuse a string that is not one of the supported ones."""
    quoted = [f"'{word}'" for word in supported]
    words = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
    return Refused(
        400,
        f"Invalid value: '{got}'. Supported values are: {words}.",
        param=path,
        code="invalid_value",
    )


def unsupported_parameter(name: str, *, instead: str | None = None) -> Refused:
    """Refuse a parameter that this model does not take."""
    hint = f" Use '{instead}' instead." if instead else ""
    return Refused(
        400,
        f"Unsupported parameter: '{name}' is not supported with this model.{hint}",
        param=name,
        code="unsupported_parameter",
    )


def unsupported_temperature(value: object) -> Refused:
    """Refuse a temperature where this model takes only the default, 1."""
    return Refused(
        400,
        f"Unsupported value: 'temperature' does not support {value} with this model."
        " Only the default (1) value is supported.",
        param="temperature",
        code="unsupported_value",
    )


def previous_response_not_found(known_as: str) -> Refused:
    """Return the error for a response that does not exist or is not stored."""
    return Refused(
        400,
        f"Previous response with id '{known_as}' not found.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def too_long(limit: int, prompt: int, completion: int, param: str | None) -> Refused:
    """Say that prompt and completion, in tokens, do not fit the context window."""
    return Refused(
        400,
        f"This model's maximum context length is {limit} tokens, however you requested"
        f" {prompt + completion} tokens ({prompt} in your prompt; {completion} for the"
        " completion). Please reduce your prompt; or completion length.",
        param=param,
        code="context_length_exceeded",
    )
