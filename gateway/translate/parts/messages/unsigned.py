"""Keeps reasoning that a gateway has signed from servers that check signatures.

Anthropic refuses a request with a signature that is not its own, wherever it is
(Wei-Shaw/sub2api#2320). A conversation that began with another server's model could not go on.
"""

from typing import Any

from gateway.shapes import Json
from gateway.translate.contract import Report
from gateway.translate.parts.messages.signatures import is_gateways

_SIGNED_IN = {"thinking": "signature", "redacted_thinking": "data"}
"""The field with the signature, by the type of the block."""


def without_gateways_thinking(body: Json, report: Report) -> Json:
    """Return a messages request without the thinking that a gateway has signed.

    A message without any other content is left out, too.
    """
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    kept = []
    for position, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list):
            kept.append(message)
            continue
        left = []
        for index, block in enumerate(content):
            if _is_gateways(block):
                report.drop(f"messages[{position}].content[{index}]")
            else:
                left.append(block)
        if left or not content:
            kept.append(message if len(left) == len(content) else {**message, "content": left})
    return {**body, "messages": kept}


def _is_gateways(block: Any) -> bool:
    kind = block.get("type") if isinstance(block, dict) else None
    name = _SIGNED_IN.get(kind) if isinstance(kind, str) else None
    signature = block.get(name) if name else None
    return isinstance(signature, str) and is_gateways(signature)
