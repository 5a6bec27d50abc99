"""Streams of messages: their frame, and the blocks of their content."""
