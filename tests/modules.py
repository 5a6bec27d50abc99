"""The modules of gateway/, each read and parsed once at most for all tests of the source."""

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import gateway

ROOT = Path(gateway.__file__).parent
PROJECT = ROOT.parent


@dataclass(frozen=True)
class Module:
    """One source file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Its path within gateway/."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def layer(self) -> str:
        return self.name.partition("/")[0].removesuffix(".py")

    @cached_property
    def tree(self) -> ast.Module:
        """What its text means to Python: most tests need that of few modules."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of its tree."""
        return list(ast.walk(self.tree))

    @property
    def imports(self) -> set[str]:
        """What it imports: modules, and what may be one."""
        found: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
                if node.module == "gateway":
                    found |= {f"gateway.{alias.name}" for alias in node.names}
        return found


@cache
def modules() -> list[Module]:
    """Return all modules, by their paths."""
    return [Module(path, path.read_text("utf-8")) for path in sorted(ROOT.rglob("*.py"))]
