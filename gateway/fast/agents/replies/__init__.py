"""Replies to agents, whole and streamed."""
