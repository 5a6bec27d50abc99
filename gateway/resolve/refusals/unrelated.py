"""Errors that are never refusals: of access, limits, content, values and overload."""

import re

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.resolve.refusals.history.developer_role import refuses_developers
from gateway.resolve.refusals.history.template_words import is_of_template
from gateway.resolve.refusals.parameters import is_of_degree

# Codes and types that are never a refusal, whatever their text.
_UNRELATED = frozenset(
    {
        "access_terminated",
        "authentication_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "content_filter",
        "content_policy_violation",
        "context_length_exceeded",
        "decimal_above_max_value",
        "decimal_below_min_value",
        "dedicated_endpoint_not_running",
        "insufficient_quota",
        "integer_above_max_value",
        "integer_below_min_value",
        "invalid_api_key",
        "invalid_organization",
        "invalid_value",
        "key_model_access_denied",
        "missing_required_parameter",
        "model_not_available",
        "no_organization",
        "overloaded_error",
        "permission_denied",
        "permission_error",
        "previous_response_not_found",
        "rate_limit_error",
        "rate_limit_exceeded",
        "server_error",
        "string_above_max_length",
        "team_model_access_denied",
        "unavailable_error",
        "user_model_access_denied",
    }
)
_UNRELATED_TEXT = re.compile(
    r"(?i)Your organization must be verified(?! to (?:stream|generate reasoning) )|Project `|"
    r"No available channel|当前分组|User \S{1,300} is not authorized|"
    r"The '[^'\n]{1,300}' model is not supported when using Codex"
)


def is_unrelated(reply: ErrorDetails) -> bool:
    """Whether an error is about neither a model, an endpoint nor a parameter, whatever it says.

    Some servers use such a code for everything that a template, or a schema, does not accept.
    """
    if reply.code in _UNRELATED or reply.type in _UNRELATED:
        message = reply.message
        is_known = is_of_template(message) or refuses_developers(message) or is_of_degree(reply)
        return not is_known
    return _UNRELATED_TEXT.match(reply.message) is not None
