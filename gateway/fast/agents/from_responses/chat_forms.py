"""The chat messages that are made of agents' items."""

import msgspec
from msgspec import Raw

from gateway.fast.agents.from_responses.response_contents import Content, Text


class Message(msgspec.Struct, gc=False):
    """A chat message that is not the assistant's."""

    role: str
    content: Content


class Output(msgspec.Struct, tag_field="role", tag="tool", gc=False):
    """The output of a call."""

    tool_call_id: str
    content: Content


class Function(msgspec.Struct, gc=False):
    """A function that is called."""

    name: str
    arguments: Text


class FunctionCall(msgspec.Struct, gc=False):
    """A call of a function."""

    id: str
    type: str
    function: Function


class Custom(msgspec.Struct, gc=False):
    """A custom tool that is called."""

    name: str
    input: Raw


class CustomCall(msgspec.Struct, gc=False):
    """A call of a custom tool."""

    id: str
    type: str
    custom: Custom
