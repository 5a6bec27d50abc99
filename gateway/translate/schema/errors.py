"""The errors for values that a parameter does not take, in the words of api.openai.com."""

from gateway.errors import InvalidRequest


def missing(param: str) -> InvalidRequest:
    """Return the error for a required parameter that is absent or null."""
    return InvalidRequest(
        f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
    )


def wrong_type(param: str, expected: str, value: object) -> InvalidRequest:
    """Return the error for a value of another JSON type; `expected` has its article."""
    return InvalidRequest(
        f"Invalid type for '{param}': expected {expected}, but got {type_name(value)} instead.",
        param=param,
        code="invalid_type",
    )


def must_be(param: str, expected: str) -> InvalidRequest:
    """Return the error for a type that OpenAI has no words for; `expected` has its article."""
    return InvalidRequest(f"'{param}' must be {expected}.", param=param, code="invalid_type")


def type_name(value: object) -> str:
    """Return the JSON type of a value with its article, as OpenAI's messages have it."""
    if value is None:
        return "null"
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    return "an unknown type"


_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal number"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def out_of_range(
    value: float, minimum: float, maximum: float, param: str, noun: str
) -> InvalidRequest:
    """Return the error for a number beyond its bounds; `noun` is its kind: `integer`, `decimal`."""
    if value < minimum:
        return InvalidRequest(
            f"Invalid '{param}': {noun} below minimum value. "
            f"Expected a value >= {_shown(minimum)}, but got {_shown(value)} instead.",
            param=param,
            code=f"{noun}_below_min_value",
        )
    return InvalidRequest(
        f"Invalid '{param}': {noun} above maximum value. "
        f"Expected a value <= {_shown(maximum)}, but got {_shown(value)} instead.",
        param=param,
        code=f"{noun}_above_max_value",
    )


def _shown(value: float) -> str:
    # str() of an int with more than 4300 digits raises ValueError.
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of more than 38 digits"
    return str(value).removesuffix(".0")
