"""The server software that the gateway knows, with one module and profile each."""

from gateway.servers import (
    anthropic,
    azure,
    deepseek,
    fireworks,
    gemini,
    github,
    groq,
    huggingface,
    litellm,
    llama_cpp_python,
    llamacpp,
    lmstudio,
    localai,
    mistral,
    ollama,
    openai,
    openrouter,
    sglang,
    tgi,
    together,
    vllm,
    xai,
    xinference,
)
from gateway.servers.profile import Profile
from gateway.servers.unknown import AUTO, OTHER

__all__ = ["AUTO", "OTHER", "PROFILES", "Profile", "names", "profile"]

PROFILES: tuple[Profile, ...] = (
    AUTO,
    openai.PROFILE,
    azure.PROFILE,
    vllm.PROFILE,
    sglang.PROFILE,
    tgi.PROFILE,
    llamacpp.PROFILE,
    llama_cpp_python.PROFILE,
    ollama.PROFILE,
    lmstudio.PROFILE,
    localai.PROFILE,
    xinference.PROFILE,
    litellm.PROFILE,
    openrouter.PROFILE,
    together.PROFILE,
    fireworks.PROFILE,
    groq.PROFILE,
    mistral.PROFILE,
    deepseek.PROFILE,
    xai.PROFILE,
    anthropic.PROFILE,
    gemini.PROFILE,
    github.PROFILE,
    huggingface.PROFILE,
    OTHER,
)
"""All of them, in the order in which they are listed and checked for marks."""


def names() -> list[str]:
    """Return the names of all kinds."""
    return [each.name for each in PROFILES]


def profile(name: str) -> Profile:
    """Return the profile of a kind. Raises `KeyError` for an unknown name."""
    return {each.name: each for each in PROFILES}[name]
