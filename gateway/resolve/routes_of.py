"""Which routes a kind of server is known to have, whatever the model."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.config.settings import Kind
from gateway.shapes import Shape

_CHAT, _COMPLETIONS, _RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES

KNOWN_ROUTES: Mapping[Kind, frozenset[Shape]] = MappingProxyType(
    {
        # openai-openapi, paths
        Kind.OPENAI: frozenset(Shape),
        # azure-rest-api-specs 2024-10-21 (chat, completions), Azure's /openai/v1 (responses)
        Kind.AZURE: frozenset(Shape),
        # docs.github.com, REST API endpoints for models inference
        Kind.GITHUB: frozenset({_CHAT}),
        # docs.fireworks.ai: querying text models, and the guide to its Responses API
        Kind.FIREWORKS: frozenset({_CHAT, _COMPLETIONS, _RESPONSES}),
        # openrouter.ai/docs, API reference: /api/v1/chat/completions; the others are legacy, beta
        Kind.OPENROUTER: frozenset({_CHAT}),
        # huggingface.co/docs/inference-providers; its other routes are not for every model
        Kind.HUGGINGFACE: frozenset({_CHAT}),
        # ai.google.dev, OpenAI compatibility
        Kind.GEMINI: frozenset({_CHAT}),
        # mistralai/client-python, chat
        Kind.MISTRAL: frozenset({_CHAT}),
        # api-docs.deepseek.com; completions are at another base URL (/beta)
        Kind.DEEPSEEK: frozenset({_CHAT}),
        # console.groq.com/docs/api-reference
        Kind.GROQ: frozenset({_CHAT}),
        # together-python, resources
        Kind.TOGETHER: frozenset({_CHAT, _COMPLETIONS}),
    }
)
"""Hosted kinds, by their own documentation. That such a route is missing says nothing of the model:
the base URL is wrong, or it is a passing fault. Servers that people run themselves are not here:
what they have depends on their version and on how they were started."""
