"""Import one subject, then construct its client, in a fresh interpreter: what each costs."""

import sys
import time


def _resident() -> float:
    """Return the resident memory in MB."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 -- pathlib is not loaded in a bare interpreter
        return int(statm.read().split()[1]) * 4096 / 1e6


def _main() -> None:
    imports, constructs, url, specs = sys.argv[1:]
    # Through variables, so that nothing but what is measured is compiled and loaded in between.
    first, second = compile(imports, "imports", "exec"), compile(constructs, "constructs", "exec")
    names = {"URL": url, "SPECS": specs}
    modules, memory = len(sys.modules), _resident()
    started, used = time.perf_counter(), time.process_time()
    exec(first, names)
    imported, imported_used = time.perf_counter(), time.process_time()
    after_import, memory_after_import = len(sys.modules), _resident()
    again, again_used = time.perf_counter(), time.process_time()
    exec(second, names)
    constructed, constructed_used = time.perf_counter(), time.process_time()
    figures = {
        "import ms": (imported - started) * 1e3,
        "import CPU ms": (imported_used - used) * 1e3,
        "import modules": after_import - modules,
        "import MB": memory_after_import - memory,
        "both ms": (imported - started + constructed - again) * 1e3,
        "both CPU ms": (imported_used - used + constructed_used - again_used) * 1e3,
        "both modules": len(sys.modules) - modules,
        "both MB": _resident() - memory,
    }
    print()
    print(repr(figures).replace("'", '"'), flush=True)
    # Some clients have threads that would hold up the end.
    import os

    os._exit(0)


_main()
