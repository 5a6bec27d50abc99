"""How a response ended, as its last event or its object says it."""

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.fields import finite_number
from gateway.translate.parts.finish_reasons import NATIVE
from gateway.translate.parts.tokens.usage import with_chats_names


def reached_limit(sent: Json, response: Json, context: Context) -> bool:
    """Whether a server that calls everything complete (llama.cpp) stopped at the limit."""
    limit, usage = sent.get("max_output_tokens"), response.get("usage")
    if limit is None or context.capabilities.strict_params:
        return False
    told = with_chats_names(usage)
    used = finite_number(told.get("completion_tokens")) if isinstance(told, dict) else None
    return used is not None and used >= limit


def status_of(event: Json, response: Json) -> str:
    """Return how the response ended: `completed` or `incomplete`; raises `UpstreamError`."""
    status = response.get("status") or str(event["type"]).removeprefix("response.")
    if status not in ("completed", "incomplete"):
        raise UpstreamError(
            f"The upstream's response ended with the status {str(status)[:60]!r}. "
            "Retry the request."
        )
    return str(status)


def reason_of(response: Json) -> object:
    """Return the reason that an incomplete response gives."""
    details = response.get("incomplete_details")
    return details.get("reason") if isinstance(details, dict) else None


def native_of(response: Json) -> Json:
    """Return the server's own word for that, as another gateway has told it."""
    return {NATIVE: response.get(NATIVE)}
