"""Decorated functions are found by Vercel's builder and taken for what they are by its runtime."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.package.project import ROOT
from tests.runtimes.vercel.builder import entrypoint_of
from tests.runtimes.vercel.conftest import FUNCTIONS

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = ROOT / "samples"
FOUND = {
    FUNCTIONS / "class_handler.py": ("handler", "class"),
    FUNCTIONS / "bare_wsgi.py": ("app", "wsgi"),
    FUNCTIONS / "bare_asgi.py": ("app", "asgi"),
    FUNCTIONS / "flask_app.py": ("app", "wsgi"),
    FUNCTIONS / "fastapi_app.py": ("app", "asgi"),
    SAMPLES / "vercel_handler" / "api" / "swaps.py": ("handler", "class"),
    SAMPLES / "vercel_flask" / "app.py": ("app", "wsgi"),
    SAMPLES / "vercel_fastapi" / "app.py": ("app", "asgi"),
}

# What builder and runtime do with the module: they import it, ask for the kind of its function, and walk its routes.
IMPORT = """
import importlib.util, json, sys, threading
from http.server import BaseHTTPRequestHandler

audited = []
network = ("socket.connect", "socket.getaddrinfo")
sys.addaudithook(lambda event, args: audited.append(event) if event in network else None)

path, variable = sys.argv[1:]
spec = importlib.util.spec_from_file_location("function", path)
module = importlib.util.module_from_spec(spec)
sys.modules["function"] = module
spec.loader.exec_module(module)
function = getattr(module, variable)

from vercel_runtime.resolver import detect_app_type

if isinstance(function, type) and issubclass(function, BaseHTTPRequestHandler):
    kind = "class"
else:
    kind, found = detect_app_type(function, "function", variable)
    assert found is function, "the runtime would bypass the decorator"

print(json.dumps({
    "kind": kind,
    "type": type(function).__name__,
    "routes": [route.path for route in getattr(function, "routes", [])],
    "threads": threading.active_count(),
    "connections": audited,
}))
"""


def imported(python: Path, file: Path, variable: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Import a function as a builder does, which has no write key."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FORMO_")}
    return subprocess.run(
        [python, "-c", IMPORT, file, variable],
        env={**inherited, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "VERCEL": "1", **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("file", FOUND, ids=lambda file: "-".join(file.relative_to(ROOT).parts[-2:]))
def test_builder_and_runtime_find_the_function(python: Path, file: Path) -> None:
    """Without a key, FORMO_DISABLED=1 lets the builder import it; it is found by name and taken for its kind."""
    variable, kind = FOUND[file]
    assert entrypoint_of(file.read_text(encoding="utf-8")) == variable

    run = imported(python, file, variable, FORMO_DISABLED="1")

    assert run.returncode == 0, run.stderr
    report: dict[str, Any] = json.loads(run.stdout)
    assert report["kind"] == kind
    assert (report["threads"], report["connections"]) == (1, [])


@pytest.mark.parametrize("file", [FUNCTIONS / "fastapi_app.py", SAMPLES / "vercel_fastapi" / "app.py"])
def test_builder_can_walk_the_routes(python: Path, file: Path) -> None:
    """A decorated FastAPI application is still one, with its routes, so that the builder finds its static files."""
    report = json.loads(imported(python, file, "app", FORMO_DISABLED="1").stdout)

    assert report["type"] == "FastAPI"
    assert any("swap" in path for path in report["routes"])


def test_missing_key_says_how_to_build_without_one(python: Path) -> None:
    """Without a key and without FORMO_DISABLED=1, the import fails with the remedy in its last line."""
    run = imported(python, SAMPLES / "vercel_flask" / "app.py", "app")

    assert run.returncode != 0
    assert "FORMO_DISABLED=1" in run.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("@formo_flush\nclass handler(BaseHTTPRequestHandler): ...", "handler"),
        ("@formo_flush(timeout=1.0)\nclass Handler(BaseHTTPRequestHandler): ...", "Handler"),
        ("@formo_flush\ndef app(environ, start_response): ...", "app"),
        ("@formo_flush\nasync def app(scope, receive, send): ...", "app"),
        ("app = FastAPI()\napp.add_middleware(FormoFlushMiddleware)", "app"),
        ("app = formo_flush(create_app())", "app"),
        ("app: Flask = formo_flush(create_app())", "app"),
        ("application = formo_flush(get_wsgi_application())", "application"),
        ("from project.web import app", "app"),
        ("from project.web import flask_app as app", "app"),
        ("app = create_app()\nclass handler(B): ...", "app"),
        ("class handler(B): ...\napp = create_app()", "handler"),
        # These the builder does not find, with us or without.
        ("handler = formo_flush(MyHandler)", None),
        ("def handler(event, context): ...", None),
        ("from project.web import handler", None),
        ("if True:\n    app = create_app()", None),
        ("app, other = create_apps()", None),
        ("class app: ...", None),
        ("import app", None),
    ],
)
def test_builder_rules(source: str, name: str | None) -> None:
    """The forms that the documentation recommends are those that the builder finds."""
    assert entrypoint_of(source) == name
