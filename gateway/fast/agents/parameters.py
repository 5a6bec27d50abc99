"""The parameters of agents' requests beside the conversation and the tools."""

from collections.abc import Callable
from operator import attrgetter
from typing import TypeVar

import msgspec

from gateway.shapes import Json

_Request = TypeVar("_Request", bound=msgspec.Struct)


def others_of(kind: type[_Request]) -> Callable[[_Request], Json]:
    """Return a function that reads the fields of a request from `model` on, without null ones.

    The types of requests have the conversation, and the fields about tools, before `model`.
    """
    names = kind.__struct_fields__[kind.__struct_fields__.index("model") :]
    values = attrgetter(*names)

    def others(request: _Request) -> Json:
        given = zip(names, values(request), strict=True)
        return {name: value for name, value in given if value is not None}

    return others
