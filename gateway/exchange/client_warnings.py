"""Warnings for clients (`x-gateway-warning`): models and prompts that end, misplaced rules."""

from collections.abc import Sequence
from datetime import date

from gateway.exchange.decision import Decision
from gateway.resolve.evidence import Route, Source
from gateway.shapes import Shape

PROMPT_OBJECTS_END = date(2026, 11, 30)
"""When OpenAI shuts reusable prompt objects down (its deprecations page, 2026-06-03)."""

_NOT_SHOWN = (401, 403, 404)


def warn_of_ends(decision: Decision, route: Route, today: date, *, prompt_object: bool) -> None:
    """Warn of a model that is shut down or redirected, and of a prompt object that will end."""
    if route.retired is not None or route.redirected_to is not None:
        decision.warn(retirement_warning(route, today))
    if prompt_object:
        decision.warn(prompt_object_warning(today))


def take_back_shutdown(decision: Decision, route: Route, status: int, today: date) -> None:
    """Take back the warning of a coming shutdown where the upstream shows no model that could end.

    The date may be that of a family, whose pattern matches the name of a model that does not exist.
    """
    if status in _NOT_SHOWN and not is_retired(route, today):
        decision.take_back(_shutdown(route, today))


def retirement_warning(route: Route, today: date) -> str:
    """Return the text of `x-gateway-warning` for a redirected or retiring model; may be empty."""
    served = route.redirected_to or route.model_asked
    return "; ".join(
        filter(None, (redirect_warning(route.model_asked, served), _shutdown(route, today)))
    )


def redirect_warning(model: str, served: str) -> str:
    """Return the sentence that names a substitution (`retired.redirect`), empty for none."""
    if model == served:
        return ""
    return f"model {model!r} is redirected to {served!r} by the gateway's configuration"


def prompt_object_warning(today: date) -> str:
    """Return the warning for a responses request whose `prompt` is an object, at OpenAI and Azure.

    The advice is that of OpenAI's guide to migrating from prompt objects.
    """
    verb = "were" if today >= PROMPT_OBJECTS_END else "will be"
    return (
        f"reusable prompt objects ('prompt') {verb} shut down on {PROMPT_OBJECTS_END}; "
        "keep the prompt in your own code and send its text in 'input' and 'instructions'"
    )


def misplaced_rule(route: Route, refused: Sequence[Shape], home: Shape) -> str:
    """Return the warning for a rule whose endpoint has refused the model; empty: it has not."""
    rule = route.rule
    if rule is None or route.resolved_by is not Source.CONFIG or not refused:
        return ""
    endpoints = ", ".join(shape.endpoint for shape in refused)
    return (
        f"rule {rule.pattern!r} leads to {endpoints}, which refused the model; it was answered at "
        f"{home.endpoint}: set the rule's endpoint to {home}"
    )


def _shutdown(route: Route, today: date) -> str:
    if route.retired is None:
        return ""
    served = route.redirected_to or route.model_asked
    verb = "was shut down on" if is_retired(route, today) else "will be shut down on"
    advice = f"; suggested replacement: {route.replacement}" if route.replacement else ""
    return f"model {served!r} {verb} {route.retired}{advice}"


def is_retired(route: Route, today: date) -> bool:
    """Whether the model of a route has been shut down."""
    return route.retired is not None and date.fromisoformat(route.retired) <= today
