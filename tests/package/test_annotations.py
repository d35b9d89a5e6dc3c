"""The annotations of everything public can be evaluated, as tools that read them at run time do."""

from __future__ import annotations

import subprocess
import sys

from tests.package.project import ROOT

# In a process of its own: nothing but the package has loaded what the annotations name.
EVALUATE = """
import importlib, inspect, typing

count = 0
for name in ("formo_lambda", "formo_lambda.asgi", "formo_lambda.wsgi", "formo_lambda.testing", "formo_lambda.types"):
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", [each for each in vars(module) if each[0].isupper()]):
        thing = getattr(module, public)
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        members = [(public, thing)]
        if inspect.isclass(thing):
            # What a NamedTuple makes of its own accord is in no file of the package.
            for owner in inspect.getmro(thing):
                if owner.__module__.startswith("formo_lambda"):
                    members += [(f"{owner.__name__}.{key}", value) for key, value in vars(owner).items()
                                if not key.startswith("_") or key.startswith("__")]
        for path, member in members:
            member = getattr(member, "__func__", getattr(member, "fget", member))
            code = getattr(member, "__code__", None)
            if inspect.isclass(member) or (code and "formo_lambda" in code.co_filename):
                try:
                    typing.get_type_hints(member)
                except Exception as error:
                    print(f"{name}: {path}: {error!r}")
                count += 1
assert count > 100, count
"""


def test_every_public_annotation_can_be_evaluated() -> None:
    """`typing.get_type_hints` works on every public function and class, and on every method of such a class."""
    command = [sys.executable, "-c", EVALUATE]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout + run.stderr == ""
