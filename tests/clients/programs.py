"""Programs of late 2026 that docs/clients.md names, each in the version that it says."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.environments import NotInstallable, node_modules, python_environment


@dataclass(frozen=True)
class Programs:
    """Packages of pip or npm in an environment of their own."""

    installer: str
    name: str
    versions: Mapping[str, str]
    scripts: bool = False

    def installed(self) -> Path:
        """Return the folder of the environment's `bin` or `node_modules`, made once.

        Skips the test, saying why, where it cannot be made.
        """
        try:
            return self._folder()
        except NotInstallable as error:
            pytest.skip(f"cannot be installed here: {error}")

    def _folder(self) -> Path:
        if self.installer == "pip":
            pinned = [f"{package}=={version}" for package, version in self.versions.items()]
            return python_environment(self.name, pinned).parent.parent
        if not (shutil.which("node") and shutil.which("npm")):
            pytest.skip("node and npm are not installed")
        packages = [f"{package}@{version}" for package, version in self.versions.items()]
        return node_modules(f"npm-{self.name}", packages, scripts=self.scripts).parent


def npm(package: str, version: str, *, scripts: bool = False) -> Programs:
    """Return a package of npm by itself; `scripts`: it is not complete before it has run them."""
    name = package.removeprefix("@").replace("/", "-")
    return Programs("npm", f"{name}-{version}", {package: version}, scripts)


PYTHON = Programs(
    "pip",
    "python-frameworks-2026",
    {
        "langchain-openai": "1.7.4",
        "llama-index-llms-openai-like": "0.8.1",
        # LlamaIndex takes none from 3 on.
        "openai": "2.54.0",
    },
)
OPENAI_3 = Programs(
    "pip", "python-openai-3", {"llm": "0.36", "openai": "3.57.0", "websockets": "17.4"}
)
SOCKETS_NODE = Programs("npm", "node-sockets-2026", {"openai": "7.59.0", "ws": "8.23.0"})
# As tests/clients/environments.py makes it for tests/clients/test_agents.py.
AGENTS = Programs("pip", "openai-agents-0.24.0", {"openai-agents": "0.24.0"})
NODE = Programs(
    "npm",
    "node-clients-2026",
    {"ai": "7.0.173", "@ai-sdk/openai": "4.0.118", "openai": "7.59.0", "zod": "4.6.7"},
)
AI_SDK_PROVIDERS = Programs(
    "npm",
    "ai-sdk-providers-2026",
    {"ai": "7.0.173", "@ai-sdk/anthropic": "4.0.105", "@ai-sdk/openai-compatible": "3.0.92"},
)
LANGCHAIN_ANTHROPIC = Programs(
    "pip", "langchain-anthropic-1.7.10", {"langchain-anthropic": "1.7.10", "anthropic": "2.14.0"}
)
PYDANTIC_AI = Programs(
    "pip",
    "pydantic-ai-2.68.0",
    {"pydantic-ai-slim": "2.68.0", "anthropic": "2.14.0", "openai": "3.57.0"},
)
# As tests/clients/test_codex.py has it.
CODEX = Programs("npm", "codex-0.171.0", {"@openai/codex": "0.171.0"})
CLAUDE_CODE = npm("@anthropic-ai/claude-code", "2.1.332", scripts=True)
NODE_24 = npm("node", "24.21.0", scripts=True)
"""For programs that need a later Node than most machines have."""
