// Runs the `main` of a Python program in Pyodide: node run.mjs <folder of Pyodide> <folder of the project> <the program>
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

const [home, project, program] = process.argv.slice(2);
// A program that hangs keeps this thread for ever: another one ends the process after five minutes.
const watchdog = `setTimeout(() => {
  require("node:fs").writeSync(2, "stopped after 300 s\\n");
  process.kill(process.pid, "SIGKILL");
}, 300_000)`;
new Worker(watchdog, { eval: true }).unref();

const { loadPyodide } = await import(pathToFileURL(`${home}/node_modules/pyodide/pyodide.mjs`));
const python = await loadPyodide({ env: { HOME: "/home", PYTHONDONTWRITEBYTECODE: "1" } });

const folders = {
  "/mounted/site-packages": `${home}/site-packages`,
  "/mounted/project": project,
};
for (const [there, here] of Object.entries(folders)) {
  python.FS.mkdirTree(there);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: here }, there);
}
python.runPython('import sys; sys.path[:0] = ["/mounted/project", "/mounted/site-packages"]');
python.runPython(readFileSync(program, "utf8"));
const status = await python.globals.get("main")();
process.exit(status ?? 0);
