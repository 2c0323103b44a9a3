"""Runs wrk, or the load of datagrams, and reads what it measured."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from .products import LOAD_CORE

# Numbers instead of wrk's prose.
SCRIPT = """
done = function(summary)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"micros":%d,"connect":%d,"read":%d,"write":%d,' ..
    '"status":%d,"timeout":%d}\\n',
    summary.requests, summary.duration, e.connect, e.read, e.write, e.status, e.timeout))
end
"""

# Runs a command for so many seconds, or a little longer, and returns what it wrote.
Run = Callable[[list[str], float], str]


def run_command(command: list[str], seconds: float) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30,
                          check=False)
    return done.stdout + done.stderr


def run_datagrams(program: str, port: int, row, seconds: float,
                  run: Run = run_command) -> dict:
    """One run of the datagram load on its core; as run_wrk."""
    command = ["taskset", "-c", str(LOAD_CORE), program, "load", "--to", f"127.0.0.1:{port}",
               "--clients", str(row.connections), "--window", str(row.window),
               "--bytes", str(row.size), "--seconds", str(max(1, round(seconds)))]
    return _result(command + (["--fresh"] if row.close else []), seconds, run)


def run_open_loop(program: str, port: int, path: str, connections: int, rate: int,
                  seconds: float, slice_ms: int = 0) -> dict:
    """Requests at a rate; latencies count from when each was due. As run_wrk, with "late_p99":
    how late the load itself was, "in_time": answers before the end, and "slices" if asked for."""
    command = ["taskset", "-c", str(LOAD_CORE), program, "--to", f"127.0.0.1:{port}",
               "--path", path, "--rate", str(rate), "--connections", str(connections),
               "--seconds", str(max(1, round(seconds)))]
    return _result(command + (["--slice-ms", str(slice_ms)] if slice_ms else []), seconds)


def run_wrk(port: int, path: str, connections: int, seconds: float, close: bool,
            folder: Path, tls: bool = False, run: Run = run_command) -> dict:
    """One run of wrk on its core. Returns "requests", "micros" (how long it took) and errors by
    their kind; raises RuntimeError when it failed."""
    script = folder / "report.lua"
    script.write_text(SCRIPT)
    headers = ["-H", "Connection: close"] if close else []
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}",
               f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(script), *headers,
               f"http{'s' if tls else ''}://127.0.0.1:{port}{path}"]
    return _result(command, seconds, run)


def _result(command: list[str], seconds: float, run: Run = run_command) -> dict:
    output = run(command, seconds)
    for line in output.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[len("RESULT "):])
    raise RuntimeError(f"{command[3]} failed: {output.strip()[-400:]}")


def run_h2load(port: int, path: str, connections: int, streams: int, seconds: float,
               tls: bool = False, run: Run = run_command) -> dict:
    """One run of h2load on its core, over HTTP/2. As run_wrk."""
    command = ["taskset", "-c", str(LOAD_CORE), "h2load", f"-c{connections}", f"-m{streams}",
               f"-D{max(1, round(seconds))}",
               f"http{'s' if tls else ''}://127.0.0.1:{port}{path}"]
    output = run(command, seconds)
    counts = re.search(r"requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, "
                       r"(\d+) failed, (\d+) errored, (\d+) timeout", output)
    if not counts:
        raise RuntimeError(f"h2load failed: {output.strip()[-400:]}")
    succeeded, failed, errored, timeout = map(int, counts.groups())
    return {"requests": succeeded, "read": errored, "status": failed, "timeout": timeout}
