"""Runs openssl s_time, which does one TLS handshake after another, and reads what it counted."""

import re

from .load import Run, run_command
from .products import LOAD_CORE

RESUMED, NEW = "r", "*"  # what s_time prints for each connection


def run_handshakes(port: int, resumed: bool, seconds: float, run: Run = run_command,
                   cores: str = str(LOAD_CORE)) -> dict:
    """One run by TLS 1.3, on the load's core if not told otherwise; "requests" are handshakes with
    a request each. Those of the wrong kind count as `status`.

    Without a request s_time leaves while its last message is on the way, and a product that sees
    that first ends before its own part is done: HAProxy made tickets in half of the handshakes
    only, Poise and nginx in all."""
    span = max(1, round(seconds))
    command = ["taskset", "-c", cores, "openssl", "s_time", "-connect",
               f"127.0.0.1:{port}", "-tls1_3", "-time", str(span), "-www", "/1",
               "-reuse" if resumed else "-new"]
    output = run(command, seconds)
    counted = re.search(r"^(\d+) connections in \d+ real seconds", output, re.MULTILINE)
    kinds = re.search(r"^([r*]+)$", output, re.MULTILINE)
    if not counted or not kinds:
        raise RuntimeError(f"s_time failed: {output.strip()[-400:]}")
    wrong = kinds.group(1).count(NEW if resumed else RESUMED)
    return {"requests": int(counted.group(1)), "status": wrong}
