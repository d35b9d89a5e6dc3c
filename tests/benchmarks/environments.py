"""The environments: each subject installed by itself, as a deployment package is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.benchmarks.subjects import Subject

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
HANDLERS = HERE / "handlers"
PROBES = HERE / "probes"
_VENVS = ROOT / ".venvs"


class Installed(NamedTuple):
    """What the installation of a subject put on the disk.

    Attributes:
        wheels: Bytes of the wheels.
        files: Bytes of the files, without bytecode.
        versions: The distributions with their versions.
    """

    wheels: int
    files: int
    versions: dict[str, str]


def prepare(subject: Subject) -> Installed:
    """Install a subject unless it is there already; this project is always installed anew."""
    folder = _VENVS / subject.folder
    ready = folder / "installed.json"
    stamp = list(subject.requirements)
    if ready.exists() and "." not in stamp:
        known = json.loads(ready.read_text())
        if known["requirements"] == stamp:
            return Installed(known["wheels"], known["files"], known["versions"])
    shutil.rmtree(folder, ignore_errors=True)
    wheels, site = folder / "wheels", folder / "site"
    site.mkdir(parents=True)
    if stamp:
        print(f"Setting up .venvs/{subject.folder}", flush=True)
        pip = [sys.executable, "-m", "pip", "--quiet", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "wheel", "--wheel-dir", str(wheels), *stamp], cwd=ROOT, check=True)
        built = [str(wheel) for wheel in wheels.glob("*.whl")]
        subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", str(site), *built], check=True)
    installed = Installed(_size(wheels), _size(site), _versions(site))
    ready.write_text(json.dumps({"requirements": stamp, **installed._asdict()}))
    return installed


def site_of(subject: Subject) -> Path:
    """Return where a subject is installed."""
    return _VENVS / subject.folder / "site"


def environment_for(subject: Subject, url: str, ca_file: str | None = None) -> dict[str, str]:
    """Return the environment variables under which a subject's handler or probe runs."""
    variables = {
        # The root comes last: this package is to come from its wheel, as users have it.
        "PYTHONPATH": os.pathsep.join([str(HANDLERS), str(site_of(subject)), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "",
        "BENCH_URL": url,
    }
    if ca_file is not None:
        # Two names: what builds on requests asks for the second.
        variables |= {"SSL_CERT_FILE": ca_file, "REQUESTS_CA_BUNDLE": ca_file}
    return variables


def run_probe(subject: Subject, probe: str, *arguments: str, url: str = "http://127.0.0.1:1", timeout: float) -> Any:
    """Run a probe in the environment of a subject; return the JSON it prints last."""
    done = subprocess.run(
        [sys.executable, str(PROBES / probe), *arguments],
        env={**os.environ, **environment_for(subject, url)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{probe} {' '.join(arguments)} failed for {subject.name}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")


def _versions(site: Path) -> dict[str, str]:
    names = sorted(folder.name.removesuffix(".dist-info") for folder in site.glob("*.dist-info"))
    return {name.rpartition("-")[0]: name.rpartition("-")[2] for name in names}
