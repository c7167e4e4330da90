"""The tree as house tests see it: parsed Python files of the rooms."""

import ast
import functools
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("cli", "service", "evals", "pipelines")


@dataclass(frozen=True)
class Module:
    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))


@functools.cache
def modules(*rooms: str) -> tuple[Module, ...]:
    found = []
    for room in rooms or ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            text = path.read_text()
            found.append(Module(path=path, text=text, tree=ast.parse(text)))
    return tuple(found)


def functions(module: Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(module.tree) if isinstance(node, kinds)]
