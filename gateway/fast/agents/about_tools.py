"""The parameters of agents' requests about tools: their definitions, and which may be called."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from gateway.fast.agents.raw import NULL
from gateway.shapes import Json
from gateway.translate.limits.capabilities import Capabilities

_Functions = TypeVar("_Functions")
_MODES = (None, "none", "auto", "required")


class AboutTools(Protocol):
    """A request of any shape with chat's words for the choice of tools."""

    @property
    def tools(self) -> msgspec.Raw:
        """The definitions."""

    @property
    def tool_choice(self) -> Any:
        """Which tools may be called, or must be."""

    @property
    def parallel_tool_calls(self) -> Any:
        """Whether several tools may be called at a time."""


def functions_of(
    request: AboutTools, able: Capabilities, read: Callable[[msgspec.Raw], _Functions]
) -> _Functions | None:
    """Return the functions that a request defines; None: the generic path looks at its tools.

    `read` reads definitions, and raises `ValidationError` unless all of them are functions.
    """
    if not (able.tools and _is_simple(request)):
        return None
    try:
        return read(request.tools)
    except msgspec.ValidationError:
        return None


def _is_simple(request: AboutTools) -> bool:
    """Whether a request has tools, and about their use at most a word and a boolean."""
    parallel = request.parallel_tool_calls
    return (
        request.tools != NULL
        and request.tool_choice in _MODES
        and (parallel is None or type(parallel) is bool)
    )


def choice_of(request: AboutTools) -> Json:
    """Return the parameters about the use of tools; a null one counts as absent."""
    said = {
        "tool_choice": request.tool_choice,
        "parallel_tool_calls": request.parallel_tool_calls,
    }
    return {name: value for name, value in said.items() if value is not None}


def about_tools(request: AboutTools) -> Json:
    """Return the tools of a request and the parameters about their use, decoded."""
    said = choice_of(request)
    return said if request.tools == NULL else {"tools": msgspec.json.decode(request.tools), **said}
