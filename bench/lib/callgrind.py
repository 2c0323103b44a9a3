"""Instructions a request: what a product runs in user space, counted by callgrind."""

import re
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .certificates import make_certificates
from .products import Place, Poise, Product, free_ports, wait_until_answers

FEW, MANY = 400, 2400  # requests of the two runs whose difference is the figure
CLIENTS = 8
STOP_SECONDS = 60  # callgrind writes its files at the end of the program


@dataclass(frozen=True)
class Row:
    """What is asked, and how."""

    name: str
    title: str
    mode: str  # of Place
    words: tuple[str, ...] = ("--h1",)  # of h2load; none: each request has a connection of its own

    @property
    def tls(self) -> bool:
        return self.mode == "tls"


ROWS = [
    Row("http", "HTTP/1.1, 1 KiB keep-alive", "http"),
    Row("tls", "HTTP/1.1 over TLS 1.3", "tls"),
    Row("h2", "HTTP/2, 32 streams a connection", "h2", ("-m32",)),
    Row("new", "HTTP/1.1, a new connection a request", "http", ()),
    Row("tcp", "TCP mode, a request of HTTP/1.1", "tcp"),
]


def choose(names: str) -> list[Row]:
    """The rows named in a comma-separated list; raises ValueError for an unknown one."""
    known = {row.name: row for row in ROWS}
    wanted = [name.strip() for name in names.split(",") if name.strip()] or list(known)
    for name in wanted:
        if name not in known:
            raise ValueError(f"unknown row '{name}'; there are {', '.join(known)}")
    return [known[name] for name in wanted]


def instructions_per_request(product: Product, row: Row, origin: str,
                             keep: Path | None = None) -> int:
    """The difference of two runs, so that start, connections, handshakes and stop cancel; of the
    thread with most of it, which is a worker. With `keep`, the profiles of the longer run go
    there. Raises RuntimeError when a request failed or nothing was counted."""
    few, many = _run(product, row, origin, FEW, None), _run(product, row, origin, MANY, keep)
    return max((many[thread] - few.get(thread, 0)) // (MANY - FEW) for thread in many)


def _run(product: Product, row: Row, origin: str, requests: int,
         keep: Path | None) -> dict[int, int]:
    """Instructions of each thread over one whole run."""
    with tempfile.TemporaryDirectory(prefix="poise-callgrind-") as name:
        folder = Path(name)
        place = Place(*free_ports(6), origin, folder,
                      key_kind="ec" if row.tls else "", clients=500)
        if row.tls:
            make_certificates(folder)
        # valgrind 3.19 cannot read the debug information that clang 19 writes.
        program = folder / product.name
        subprocess.run(["strip", "--strip-debug", "-o", program, product.binary], check=True)
        whole, product.binary = product.binary, str(program)
        if isinstance(product, Poise):
            product.config_files = {"poise.yaml": "poise.yaml", "node_counted.yaml": "node.yaml"}
        product.under = ["valgrind", "--tool=callgrind", "--separate-threads=yes", "-q",
                         f"--callgrind-out-file={folder}/profile.%p"]
        try:
            with product.start(place) as proxy:
                wait_until_answers(proxy, place.http_port, patience=60)
                _ask(place.port(row.mode), row, requests)
                proxy.stop(STOP_SECONDS)
                counts = read_counts(folder)
                if not counts:
                    raise RuntimeError(f"callgrind counted nothing; {product.name} ended with "
                                       f"{proxy.process.returncode}: {proxy.tail()}")
        finally:
            product.binary, product.under = whole, []
        if keep:
            for profile in folder.glob("profile.*"):
                (keep / f"{product.name}-{row.name}-{profile.name}").write_bytes(
                    profile.read_bytes())
        return counts


def _ask(port: int, row: Row, requests: int) -> None:
    if not row.words:
        return _ask_anew(port, requests)
    url = f"http{'s' if row.tls else ''}://127.0.0.1:{port}/1k"
    done = subprocess.run(["h2load", "-n", str(requests), "-c", str(CLIENTS), *row.words, url],
                          capture_output=True, text=True, timeout=300, check=False)
    # "status codes" counts answers of 2xx, "succeeded" those that came at all.
    if not re.search(rf"status codes: {requests} 2xx", done.stdout):
        raise RuntimeError(f"h2load failed: {(done.stdout + done.stderr).strip()[-400:]}")


def _ask_anew(port: int, requests: int) -> None:
    """One after the other, CLIENTS of them at once."""
    request = b"GET /1k HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    for _ in range(requests // CLIENTS):
        clients = [socket.create_connection(("127.0.0.1", port), timeout=60)
                   for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(request)
        for client in clients:
            with client, client.makefile("rb") as answer:
                if not answer.read().startswith(b"HTTP/1.1 200"):
                    raise RuntimeError("a request without an answer of 200")


def read_counts(folder: Path) -> dict[int, int]:
    """Instructions of each thread, by its number, of all profiles in a folder."""
    counts: dict[int, int] = {}
    for profile in folder.glob("profile.*"):
        text = profile.read_text()
        thread = re.search(r"^thread: (\d+)", text, re.MULTILINE)
        total = re.search(r"^totals: (\d+)", text, re.MULTILINE)
        if thread and total:
            number = int(thread.group(1))
            counts[number] = counts.get(number, 0) + int(total.group(1))
    return counts
