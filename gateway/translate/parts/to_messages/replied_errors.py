"""Errors of messages endpoints, for OpenAI-style clients."""

from gateway.envelopes.anthropic_errors import openai_terms
from gateway.envelopes.overflows import CODE as TOO_LONG
from gateway.errors import UpstreamReplied
from gateway.translate.parts.upstream_errors import client_status, upstream_error


def error_of_message(body_or_event: object) -> UpstreamReplied | None:
    """Return the error that a message or an event of its stream carries, or None."""
    error = upstream_error(body_or_event)
    return None if error is None else in_openai_terms(error)


def in_openai_terms(error: UpstreamReplied, status: int | None = None) -> UpstreamReplied:
    """Return an error with the status, the type and the code that OpenAI's endpoints would have.

    `status` is the status of the reply; None: the error came in a stream. Errors of types that
    Anthropic does not have are left as they are.
    """
    terms = None if error.code == TOO_LONG else openai_terms(error.type, error.message, status)
    if terms is not None:
        error.status, error.type = client_status(terms.status), terms.type
        error.code = error.code or terms.code
    return error
