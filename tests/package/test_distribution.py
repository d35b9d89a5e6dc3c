"""What is built is what users need, and works without the source tree."""

from __future__ import annotations

import email
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from formo_lambda.constants import VERSION
from tests.package.project import PACKAGE, ROOT

if TYPE_CHECKING:
    from email.message import Message

SMOKE = """
import importlib, pathlib, pkgutil, sys
import formo_lambda
from formo_lambda import FormoAnalytics, formo_flush
from formo_lambda.testing import FakeLambdaContext, RecordingTransport

assert pathlib.Path(formo_lambda.__file__).is_relative_to(sys.prefix), formo_lambda.__file__
for module in pkgutil.walk_packages(formo_lambda.__path__, "formo_lambda."):
    importlib.import_module(module.name)

transport = RecordingTransport()
analytics = FormoAnalytics("a-key", transport=transport)

@formo_flush
def handler(event, context):
    analytics.track("Wheel Tested", properties={"volume": 1})
    return "done"

assert handler({}, FakeLambdaContext()) == "done"
assert [event["event"] for event in transport.events] == ["Wheel Tested"]
print("smoke test passed")
"""


class Built(NamedTuple):
    """The two files that a release uploads."""

    sdist: Path
    wheel: Path

    def metadata(self) -> Message:
        """Return the wheel's core metadata."""
        with zipfile.ZipFile(self.wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return email.message_from_bytes(archive.read(name))

    def requirements(self) -> list[str]:
        """Return the names of the distributions that come with a plain install."""
        required = self.metadata().get_all("Requires-Dist", [])
        return [re.split(r"[^\w.-]", line)[0] for line in required if "extra ==" not in line]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the sdist, and the wheel from the sdist, as a release does; once for this file."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return Built(next(out.glob("*.tar.gz")), next(out.glob("*.whl")))


def test_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    """The wheel holds every file of the package, `py.typed` among them, and beside it only its own metadata."""
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*") if path.is_file()}
    assert names == {name for name in sources if "__pycache__" not in name}
    assert "formo_lambda/py.typed" in names


def test_sdist_holds_what_a_packager_needs(built: Built) -> None:
    """The sdist holds sources, tests, samples and texts, and nothing that was built or cached."""
    with tarfile.open(built.sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    top = {name.partition("/")[0] for name in names}
    texts = {"CHANGELOG.md", "LICENSE", "Makefile", "README.md"}
    # hatchling adds PKG-INFO, pyproject.toml and .gitignore of itself.
    assert top == texts | {"formo_lambda", "samples", "tests"} | {"PKG-INFO", "pyproject.toml", ".gitignore"}
    assert not [name for name in names if name.endswith(".pyc") or "/." in name]


def test_metadata_carries_the_version_and_the_three_dependencies(built: Built) -> None:
    """The metadata has the version that the code has, and requires the three documented distributions only."""
    assert built.metadata()["Version"] == VERSION
    assert sorted(built.requirements()) == ["tenacity", "typing-extensions", "urllib3"]


def test_metadata_offers_users_their_extra_and_no_tools_of_ours(built: Built) -> None:
    """The only extra is `testing`: what the development needs is not published."""
    assert built.metadata().get_all("Provides-Extra") == ["testing"]


def test_classifiers_agree_with_the_required_python(built: Built) -> None:
    """The classifiers name every Python from the oldest required one on, without a gap."""
    metadata = built.metadata()
    minors = [
        int(found[1])
        for line in metadata.get_all("Classifier", [])
        if (found := re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", line))
    ]
    assert minors == list(range(minors[0], minors[0] + len(minors)))
    assert metadata["Requires-Python"] == f">=3.{minors[0]}"


def test_wheel_works_without_the_source_tree(built: Built, tmp_path: Path) -> None:
    """Installed elsewhere with its declared dependencies only, every module of the wheel imports and events leave."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    where = [str(python), "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'), end='')"]
    site_packages = Path(subprocess.run(where, capture_output=True, text=True, check=True).stdout)

    install = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(site_packages), str(built.wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    for name in built.requirements():
        copy_distribution(name, site_packages)

    command = [str(python), "-I", "-c", SMOKE]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "smoke test passed", run.stderr


def copy_distribution(name: str, site_packages: Path) -> None:
    """Copy an installed distribution's files, for an install that asks no package index."""
    for file in importlib.metadata.files(name) or []:
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = site_packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), target)
