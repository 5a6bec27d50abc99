"""Ids for calls of a chat conversation that have none, and the calls that results belong to."""

from collections import deque

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.errors import missing


class UnnamedCalls:
    """Gives ids to the calls of one conversation; a call has the same id in each turn."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        """The minted ids of calls without an output yet."""
        self._function_call: str | None = None
        """The minted id of the last `function_call` without an output yet."""

    def id_of(self, call: Json, position: int, place: int) -> str:
        """Return a call's id; `position` is that of its message, `place` its own in the message."""
        given: str | None = call.get("id")
        if given:
            return given
        minted = f"call_{position}_{place}"
        self._waiting.append(minted)
        return minted

    def id_of_function_call(self, position: int) -> str:
        """Return the id of a message's `function_call`, which never has one."""
        self._function_call = f"call_fn_{position}"
        return self._function_call

    def answered_by_tool(self, message: Json, path: str) -> str:
        """Return the id of the call that a message of the role `tool` answers.

        Calls without ids are answered in order. Raises `InvalidRequest`.
        """
        call_id: str = message["tool_call_id"]
        if not call_id and not self._waiting:
            raise missing(f"{path}.tool_call_id")
        return call_id or self._waiting.popleft()

    def answered_by_function(self, path: str) -> str:
        """Return the id of the call that a message of the role `function` answers.

        Raises `InvalidRequest`.
        """
        call_id, self._function_call = self._function_call, None
        if call_id is None:
            raise InvalidRequest(
                f"'{path}' has the role 'function', but no assistant message with a "
                "'function_call' comes before it. Insert the message that made the call.",
                param=path,
                code="invalid_value",
            )
        return call_id
