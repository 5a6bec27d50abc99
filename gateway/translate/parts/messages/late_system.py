"""System messages within a conversation, for models that take them at its beginning only."""


def in_system_tags(text: str) -> str:
    """Return the text of a system message as a message of the user has it."""
    return f"<system>\n{text}\n</system>"
