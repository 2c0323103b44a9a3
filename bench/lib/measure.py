"""One product alone, for one round of a row; and how a row loads a product."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .certificates import make_certificates
from .handshakes import run_handshakes
from .idle import IdleClients
from .load import Run, run_command, run_datagrams, run_h2load, run_open_loop, run_wrk
from .products import Place, Product, free_ports, wait_until_answers
from .rows import Row

WARM_UP_SECONDS = 1
SETTLE_SECONDS = 0.4
IDLE_WARM_UP = 20
IDLE_SETTLE_SECONDS = 2.5
SIDECAR_CLIENTS = 500
REST_SECONDS = 5
ERRORS = ("connect", "read", "write", "status", "timeout", "dropped", "lost", "wrong")


@dataclass(frozen=True)
class Programs:
    """Our own loads."""

    datagrams: str
    open_loop: str


def measure(product: Product, row: Row, origin: str, seconds: float, folder: Path,
            programs: Programs, rate: int = 0) -> dict:
    """Starts the product afresh, measures, ends it: rows of the kinds rate, idle, start and rest.
    Returns figures by name and `errors`. `rate`: requests a second."""
    place = Place(*free_ports(6), origin, folder,
                  key_kind=row.key_kind if row.tls else "")
    if row.tls:
        make_certificates(folder)
    sidecar = row.kind in ("start", "rest")
    if sidecar:
        place.clients = SIDECAR_CLIENTS
    with product.start(place, sidecar) as proxy:
        started = wait_until_answers(proxy, place.http_port)
        if row.kind == "start":
            return _at_rest(proxy, started)
        if row.kind == "rest":
            return _cost_of_rest(proxy)
        if row.kind == "idle":
            return _idle(proxy, place.port(row.mode), row.connections, row.tls)
        return _latency(proxy, lambda span: run_load(row, place, programs, span, rate), seconds)


def run_load(row: Row, place: Place, programs: Programs, seconds: float, rate: int = 0,
             run: Run = run_command) -> dict:
    """Loads a product at `place` as the row says, of the kinds load, rate, handshakes or datagrams.
    `rate` is for rows of that kind: requests a second; the others go by `run`."""
    port = place.port(row.mode)
    if row.kind == "handshakes":
        return run_handshakes(port, row.resumed, seconds, run)
    if row.kind == "rate":
        return run_open_loop(programs.open_loop, port, row.path, row.connections, rate, seconds)
    if row.kind == "datagrams":
        return run_datagrams(programs.datagrams, port, row, seconds, run)
    if row.streams:
        return run_h2load(port, row.path, row.connections, row.streams, seconds, run=run)
    return run_wrk(port, row.path, row.connections, seconds, row.close, place.folder, row.tls, run)


def _at_rest(proxy, started: float) -> dict:
    time.sleep(SETTLE_SECONDS)
    return {"start_ms": started * 1000, "rss_mb": proxy.rss_bytes() / 1e6, "errors": 0}


def _cost_of_rest(proxy) -> dict:
    time.sleep(IDLE_SETTLE_SECONDS)
    before = proxy.cpu_seconds()
    time.sleep(REST_SECONDS)
    return {"rest_us": (proxy.cpu_seconds() - before) * 1e6 / REST_SECONDS, "errors": 0}


def _idle(proxy, port: int, count: int, tls: bool) -> dict:
    # What the first clients bring into memory, code above all, is no connection's; nor is what a
    # program does for the first time a second or two after its start.
    with IdleClients(port, IDLE_WARM_UP, tls):
        time.sleep(SETTLE_SECONDS)
    time.sleep(IDLE_SETTLE_SECONDS)
    before = proxy.rss_bytes()
    with IdleClients(port, count, tls) as clients:
        time.sleep(SETTLE_SECONDS)
        grown = proxy.rss_bytes() - before
        clients.check_alive()
        held = max(1, len(clients.sockets))
        return {"idle_bytes": grown / held, "rss_mb": (before + grown) / 1e6,
                "errors": clients.errors}


def _latency(proxy, run: Callable[[float], dict], seconds: float) -> dict:
    run(WARM_UP_SECONDS)
    cpu_before = proxy.cpu_seconds()
    result = run(seconds)
    cpu = proxy.cpu_seconds() - cpu_before
    errors = sum(result.get(kind, 0) for kind in ERRORS)
    if not proxy.alive():
        errors += 1
    return {"cpu_us": cpu * 1e6 / max(1, result["requests"]),
            "rps": result["requests"] * 1e6 / result["micros"],
            "p50_ms": result["p50"] / 1000, "p99_ms": result["p99"] / 1000,
            "p999_ms": result["p999"] / 1000, "late_p99_ms": result["late_p99"] / 1000,
            "max_ms": result["max"] / 1000, "rss_mb": proxy.rss_bytes() / 1e6, "errors": errors}
