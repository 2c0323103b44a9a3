"""Runs wrk, or the load of datagrams, and reads what it measured."""

import json
import re
import subprocess
from collections.abc import Callable
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
    """One run of wrk on its core. Returns its figures; raises RuntimeError when it failed."""
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
    """One run of h2load on its core, over HTTP/2. As run_wrk; h2load tells no percentiles, so the
    mean stands for the median and the slowest for those above."""
    command = ["taskset", "-c", str(LOAD_CORE), "h2load", f"-c{connections}", f"-m{streams}",
               f"-D{max(1, round(seconds))}",
               f"http{'s' if tls else ''}://127.0.0.1:{port}{path}"]
    output = run(command, seconds)
    counts = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, "
                       r"(\d+) failed, (\d+) errored, (\d+) timeout", output)
    took = re.search(r"finished in ([\d.]+)(us|ms|s)\b", output)
    times = re.search(r"time for request:\s+(\S+)\s+(\S+)\s+(\S+)", output)
    traffic = re.search(r"traffic: \S+ \((\d+)\) total", output)
    if not (counts and took and times and traffic):
        raise RuntimeError(f"h2load failed: {output.strip()[-400:]}")
    slowest, mean = _micros(times.group(2)), _micros(times.group(3))
    return {"requests": int(counts.group(2)), "micros": _micros(took.group(1) + took.group(2)),
            "bytes": int(traffic.group(1)), "p50": mean, "p99": slowest, "p999": slowest,
            "connect": 0, "read": int(counts.group(4)), "write": 0,
            "status": int(counts.group(3)), "timeout": int(counts.group(5))}


def _micros(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
