"""The content blocks of a conversation."""
