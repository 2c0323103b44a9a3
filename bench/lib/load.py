"""Runs wrk, or the load of datagrams, and reads what it measured."""

import json
import subprocess
from pathlib import Path

from .products import LOAD_CORE

# wrk prints percentiles up to 99 only; its Lua hook gives the rest, and the errors, as numbers.
SCRIPT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"micros":%d,"bytes":%d,"p50":%d,"p99":%d,' ..
    '"p999":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(99), latency:percentile(99.9),
    e.connect, e.read, e.write, e.status, e.timeout))
end
"""


def run_datagrams(program: str, port: int, row, seconds: float) -> dict:
    """One run of the datagram load on its core; as run_wrk."""
    command = ["taskset", "-c", str(LOAD_CORE), program, "load", "--to", f"127.0.0.1:{port}",
               "--clients", str(row.connections), "--window", str(row.window),
               "--bytes", str(row.size), "--seconds", str(max(1, round(seconds)))]
    return _result(command + (["--fresh"] if row.close else []), seconds)


def run_wrk(port: int, path: str, connections: int, seconds: float, close: bool,
            folder: Path) -> dict:
    """One run of wrk on its core. Returns its figures; raises RuntimeError when it failed."""
    script = folder / "report.lua"
    script.write_text(SCRIPT)
    headers = ["-H", "Connection: close"] if close else []
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}",
               f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(script), *headers,
               f"http://127.0.0.1:{port}{path}"]
    return _result(command, seconds)


def _result(command: list[str], seconds: float) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30,
                          check=False)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[len("RESULT "):])
    raise RuntimeError(f"{command[3]} failed: {(done.stdout + done.stderr).strip()[-400:]}")
