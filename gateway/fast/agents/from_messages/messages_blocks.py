"""The blocks of agents' messages requests: their paths, and their form in the generic path."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

from gateway.fast.agents.from_messages.messages_requests import (
    Message,
    OfAssistant,
    RedactedThinking,
    Text,
    Thinking,
)
from gateway.fast.agents.numbers import number_of
from gateway.fast.agents.raw import decoded
from gateway.translate.parts.from_messages.turns import Block

Place = int | list[str]
"""Where the blocks of a turn are: the index of its message, or their paths if it has several."""


def path_of(place: Place, index: int) -> str:
    """Return the client's path of a block."""
    return f"messages[{place}].content[{index}]" if isinstance(place, int) else place[index]


def path_of_message(place: Place) -> str:
    """Return the client's path of the first message of a turn."""
    return f"messages[{place}]" if isinstance(place, int) else place[0].partition(".")[0]


def blocks_as_json(blocks: Sequence[OfAssistant], place: Place) -> Iterator[Block]:
    """Yield blocks as the generic path has them; raises one of `UNCOMMON`."""
    for index, block in enumerate(blocks):
        yield Block(msgspec.to_builtins(block, enc_hook=_in_json), path_of(place, index))


def _in_json(value: object) -> object:
    return decoded(value) if isinstance(value, msgspec.Raw) else number_of(value)


def signature_of(block: Thinking | RedactedThinking) -> str:
    """Return the signature of a block of thinking."""
    return block.signature if type(block) is Thinking else block.data


def in_turns(messages: Sequence[Message]) -> Iterator[tuple[list[str], Message]]:
    """Yield messages of one role in a row as one, with the paths of its blocks."""
    for kind, group in groupby(enumerate(messages), lambda each: type(each[1])):
        paths: list[str] = []
        blocks: list[Any] = []
        for position, message in group:
            path, content = f"messages[{position}].content", message.content
            if isinstance(content, str):
                paths.append(path)
                blocks.append(Text(text=content))
            else:
                paths += [f"{path}[{index}]" for index in range(len(content))]
                blocks += content
        yield paths, kind(blocks)
