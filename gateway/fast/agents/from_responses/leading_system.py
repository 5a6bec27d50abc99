"""Merges the system messages of agents for servers that take only one."""

from gateway.fast.agents.from_responses.chat_forms import Message
from gateway.fast.agents.from_responses.response_contents import joined


def merge_leading(messages: list[object]) -> None:
    """Make one message of all system messages before the first user's."""
    leading: list[Message] = []
    others: list[object] = []
    end = 0
    for message in messages:
        if isinstance(message, Message) and message.role == "user":
            break
        end += 1
        if isinstance(message, Message):
            leading.append(message)
        else:
            others.append(message)
    if leading and (len(leading) > 1 or messages[0] is not leading[0]):
        content = "\n\n".join(joined(message.content) for message in leading)
        messages[:end] = [Message(leading[0].role, content), *others]
