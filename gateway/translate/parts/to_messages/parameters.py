"""Further parameters of OpenAI's endpoints, written for a messages endpoint."""

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.draft import Draft, asked_stops
from gateway.translate.parts.to_messages.blocks import EPHEMERAL
from gateway.translate.parts.to_messages.thinking import Thinking
from gateway.translate.parts.tools.definitions import allows_no_more


def write_limit(draft: Draft, limit: int | None, name: str, thinking: Thinking) -> None:
    """Write `max_tokens`, which is required; `limit` is the client's value of its parameter `name`.

    Without one, the model's maximum is sent, or else the configured default plus the thinking
    budget.
    """
    sent = limit_to_send(limit, draft.context, thinking.budget)
    draft.upstream["max_tokens"] = sent
    report_limit(limit, name, sent, draft.report)


def limit_to_send(limit: int | None, context: Context, budget: int = 0) -> int:
    """Return the limit to send for a client's `limit`, which may be None.

    `budget` are the tokens for thinking, which are added to the configured default.
    """
    most = context.capabilities.max_output_tokens
    if limit is None:
        return most or context.settings.default_messages_max_tokens + budget
    return limit if most is None else min(limit, most)


def report_limit(limit: int | None, name: str, sent: int, report: Report) -> None:
    """Report the limit if it is sent differently."""
    if sent != limit:
        report.change(name, "none" if limit is None else limit, sent)


def write_stops(draft: Draft) -> tuple[str, ...]:
    """Write the stop sequences that the endpoint takes; return those that the gateway looks for.

    These are all of them if any is not taken: Anthropic refuses blank ones.
    """
    able, stops = draft.context.capabilities, asked_stops(draft)
    sent = tuple(stop for stop in stops if stop.strip())[: able.max_stops] if able.stop else ()
    if sent:
        draft.upstream["stop_sequences"] = list(sent)
    if sent == stops:
        return ()
    draft.report.emulate("stop")
    return stops


def write_user(draft: Draft) -> None:
    """Write the end user's name as `metadata.user_id`, the only field for it in messages."""
    names = [name for name in ("safety_identifier", "user") if draft.client.get(name)]
    if names:
        draft.upstream["metadata"] = {"user_id": draft.client[names[0]]}
    for name in names[1:]:
        if draft.client[name] != draft.client[names[0]]:
            draft.report.drop(name)


def write_format(draft: Draft, form: Json, name: str, schema: object) -> None:
    """Write an output format; `form` has its `type`, and `schema` its schema or None.

    Raises `UnsupportedParameter` naming the client's parameter `name`.
    """
    kind = form["type"]
    if kind == "text":
        return
    if kind == "json_object":
        draft.refuse(name, "the messages endpoint supports JSON only with a schema (json_schema).")
    elif not draft.context.capabilities.json_schema:
        draft.refuse(name, "its messages endpoint has no output formats.")
    elif not schema or not allows_no_more(schema):
        closed = "'additionalProperties: false' in every object"
        draft.refuse(name, f"the messages endpoint takes closed schemas only ({closed}).")
    else:
        config = draft.upstream.setdefault("output_config", {})
        config["format"] = {"type": "json_schema", "schema": schema}


def write_cache(draft: Draft) -> None:
    """Write the request's own cache mark; `cache: auto` adds one to a request without any."""
    given = draft.client.get("cache_control")
    if given is not None and not isinstance(given, dict):
        draft.report.drop("cache_control")
    if isinstance(given, dict):
        draft.upstream["cache_control"] = given
    elif draft.context.capabilities.cache_auto and not _has_marks(draft.upstream):
        draft.upstream["cache_control"] = dict(EPHEMERAL)


def _has_marks(value: object) -> bool:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if "cache_control" in each:
                return True
            waiting += [
                inner
                for name, inner in each.items()
                if name in ("system", "messages", "content", "tools")
            ]
        elif isinstance(each, list):
            waiting += each
    return False
