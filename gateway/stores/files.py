"""Settings for what keeps nothing in files."""

from dataclasses import replace

from gateway.config.settings import Settings
from gateway.config.store_settings import SQLITE


def without_files(settings: Settings) -> Settings:
    """Return settings for commands that serve no clients: stores in memory instead of files."""
    memory, responses = settings.memory, settings.responses
    if memory.url.startswith(SQLITE):
        memory = replace(memory, url="memory://")
    if (responses.store or "").startswith(SQLITE):
        responses = replace(responses, store="memory://")
    return replace(settings, memory=memory, responses=responses)
