"""The types of pydantic's validation errors.

FastAPI servers have them as the `type` of an error. Source: `pydantic_core.core_schema.ErrorType`.
"""

from collections.abc import Iterable

from gateway.shapes import Json

_NAMES = """
arguments_type assertion_error bool_parsing bool_type bytes_invalid_encoding bytes_too_long
bytes_too_short bytes_type callable_type complex_str_parsing complex_type counter_type
dataclass_exact_type dataclass_type date_from_datetime_inexact date_from_datetime_parsing
date_future date_parsing date_past date_type datetime_from_date_parsing datetime_future
datetime_object_invalid datetime_parsing datetime_past datetime_type decimal_max_digits
decimal_max_places decimal_parsing decimal_type decimal_whole_digits default_factory_not_called
deque_type dict_type ellipsis_error enum extra_forbidden finite_number float_parsing float_type
fraction_parsing fraction_type frozen_dict_type frozen_field frozen_instance frozen_set_type
get_attribute_error greater_than greater_than_equal int_from_float int_parsing int_parsing_size
int_type invalid_key is_instance_of is_subclass_of iterable_type iteration_error json_invalid
json_type less_than less_than_equal list_type literal_error mapping_type missing
missing_argument missing_keyword_only_argument missing_positional_only_argument
missing_sentinel_error model_attributes_type model_type multiple_argument_values multiple_of
named_tuple_type needs_python_object no_such_attribute none_required ordered_dict_type
recursion_depth_exceeded recursion_loop set_item_not_hashable set_type string_not_ascii
string_pattern_mismatch string_too_long string_too_short string_type string_unicode
time_delta_parsing time_delta_type time_parsing time_type timezone_aware timezone_naive
timezone_offset too_long too_short tuple_type unexpected_keyword_argument
unexpected_positional_argument union_tag_invalid union_tag_not_found url_parsing url_scheme
url_syntax_violation url_too_long url_type uuid_parsing uuid_type uuid_version value_error
"""
_TYPES = frozenset(_NAMES.split())
_OF_VERSION_1 = ("value_error.", "type_error.")
_OF_CHOICES = ("literal_error", "enum", "value_error.const")


def is_validation_type(word: str) -> bool:
    """Whether an error's type is one of pydantic's."""
    return word in _TYPES or word == "type_error" or word.startswith(_OF_VERSION_1)


def value_refused(entries: Iterable[Json]) -> str | None:
    """Return the text that a field's entries call none of its possible values, if there is one."""
    for entry in entries:
        if entry.get("type") in _OF_CHOICES:
            context = entry.get("ctx")
            given = context.get("given") if isinstance(context, dict) else None
            value = entry.get("input", given)
            if isinstance(value, str):
                return value
    return None
