"""Running an exported script under node, with the modules of k6 replaced by ``world.mjs``."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node runs the script here instead of k6")

_MODULES = {
    "index.mjs": 'export { sleep } from "../../world.mjs";',
    "http.mjs": 'export { http as default } from "../../world.mjs";',
    "metrics.mjs": 'export { Counter, Rate } from "../../world.mjs";',
    "execution.mjs": 'export { execution as default } from "../../world.mjs";',
}
_PACKAGE = {
    "name": "k6",
    "exports": {
        ".": "./index.mjs",
        "./http": "./http.mjs",
        "./metrics": "./metrics.mjs",
        "./execution": "./execution.mjs",
    },
}
_BEGIN = """\
import { clock, gateway, log, metrics, newIteration, seed } from "./world.mjs";
globalThis.__ENV = %s;
globalThis.console = { log: (line) => log.push(line) };
const script = await import("./script.mjs");
const run = (at, iteration = 1) => {
  clock.now = at;
  newIteration(iteration);
  script.default();
};
const answer = (value) => process.stdout.write(JSON.stringify(value));
"""


def answered(folder: Path, script: str, asked: str, env: dict[str, str] | None = None) -> Any:
    """Return what JavaScript says of a script: it calls ``answer(value)`` once.

    Args:
        folder: An empty place.
        script: The exported script.
        asked: JavaScript that may use ``script`` (what it exports), ``run(at, iteration)``, ``clock``, ``gateway``,
            ``log``, ``metrics`` and ``seed``.
        env: What ``k6 run -e`` would set.
    """
    package = folder / "node_modules" / "k6"
    package.mkdir(parents=True, exist_ok=True)
    (package / "package.json").write_text(json.dumps(_PACKAGE), encoding="utf-8")
    for name, text in _MODULES.items():
        (package / name).write_text(text, encoding="utf-8")
    shutil.copy(Path(__file__).with_name("world.mjs"), folder / "world.mjs")
    (folder / "script.mjs").write_text(script, encoding="utf-8")
    (folder / "main.mjs").write_text(_BEGIN % json.dumps(env or {}) + asked, encoding="utf-8")
    assert NODE is not None
    ran = subprocess.run([NODE, "main.mjs"], capture_output=True, text=True, cwd=folder, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
