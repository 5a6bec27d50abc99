"""Conversations as one prompt: templates, and what a prompt can hold."""
