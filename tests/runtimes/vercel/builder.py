"""How Vercel's builder finds a function: by the text of the file alone, statement after statement."""

from __future__ import annotations

import ast

_APPLICATIONS = {"app", "application"}


def entrypoint_of(source: str) -> str | None:
    """Return the name that the builder tells the runtime, or None where it finds no function.

    The first statement counts that assigns, annotates, defines or imports an `app` or `application` at the top level,
    or defines a class whose name is `handler` in any case. Whatever is inside another statement is not seen.
    """
    for statement in ast.parse(source).body:
        for name in _names_of(statement):
            if name in _APPLICATIONS:
                return name
        if isinstance(statement, ast.ClassDef) and statement.name.lower() == "handler":
            return statement.name
    return None


def _names_of(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return [statement.name]
    if isinstance(statement, ast.ImportFrom):
        return [alias.asname or alias.name for alias in statement.names]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]
