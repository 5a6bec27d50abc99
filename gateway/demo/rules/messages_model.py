"""What single models refuse of a request that is right in itself."""

from collections.abc import Iterator
from typing import Any

from gateway.demo.generation.answer import Json
from gateway.demo.messages_models import MessagesModel
from gateway.demo.refusals.messages import invalid
from gateway.demo.rules.messages import SAMPLING
from gateway.demo.rules.messages_turns import check_thought, check_turns

_FORCING = ("any", "tool")


def check_counted(body: Json, model: MessagesModel) -> None:
    """Raise `Refused` unless Anthropic would count this checked request for this model."""
    check_turns(body["messages"], model)
    _check_thinking(body, model)
    _check_output(body, model)


def check_for(body: Json, model: MessagesModel) -> None:
    """Raise `Refused` unless Anthropic would serve this checked request on this model."""
    check_counted(body, model)
    _check_sampling(body, model)
    limit = body.get("max_tokens", 0)
    if limit > model.max_output:
        raise invalid(
            f"max_tokens: {limit} > {model.max_output}, which is the maximum allowed number of"
            f" output tokens for {model.id}"
        )


def thinks(body: Json) -> bool:
    """Whether a checked request asks for thinking."""
    return body.get("thinking", {}).get("type") in ("enabled", "adaptive")


def _check_thinking(body: Json, model: MessagesModel) -> None:
    if "thinking" not in body:
        return
    kind = body["thinking"]["type"]
    if kind not in model.thinking:
        if kind == "enabled" and "adaptive" in model.thinking:
            raise invalid(
                '"thinking.type.enabled" is not supported for this model. Use'
                ' "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
            )
        if kind != "disabled":
            raise invalid(f'"thinking.type.{kind}" is not supported for this model.')
    if kind != "enabled":
        return
    if body["thinking"]["budget_tokens"] >= body.get("max_tokens", model.max_output):
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if body.get("tool_choice", {}).get("type") in _FORCING:
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")
    check_thought(body["messages"])


def _check_sampling(body: Json, model: MessagesModel) -> None:
    given = [name for name in SAMPLING if name in body]
    if given and not model.sampling:
        raise invalid(f"`{given[0]}` is deprecated for this model.")
    if "temperature" in body and "top_p" in body:
        raise invalid(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only"
            " one."
        )
    if thinks(body) and body.get("temperature", 1) != 1:
        raise invalid("`temperature` may only be set to 1 when thinking is enabled.")
    if thinks(body) and ("top_k" in body or body.get("top_p", 1) < 0.95):
        raise invalid("`top_k` and `top_p` below 0.95 may not be set when thinking is enabled.")


def _check_output(body: Json, model: MessagesModel) -> None:
    config = body.get("output_config") or {}
    if config.get("effort") is not None and not model.effort:
        raise invalid("This model does not support the effort parameter.")
    form = config.get("format") or body.get("output_format")
    if form is None:
        return
    if not model.structured:
        raise invalid("output_config.format: This model does not support structured outputs.")
    if any(_is_open(schema) for schema in _schemas(form["schema"])):
        raise invalid(
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be"
            " explicitly set to false"
        )


def _is_open(schema: Json) -> bool:
    return schema.get("type") == "object" and schema.get("additionalProperties") is not False


def _schemas(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _schemas(each)
