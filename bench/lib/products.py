"""The products under measurement: how each is found, configured, started and asked its version."""

import contextlib
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .process import Child

BENCH = Path(__file__).resolve().parent.parent
PROXY_CORE = 0
LOAD_CORE = 1
STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")


@dataclass
class Place:
    """Where one run happens: ports, the origin's address, a folder for files."""

    http_port: int
    tcp_port: int
    udp_port: int
    udp_once_port: int
    h2_port: int  # HTTP/2 in cleartext
    tls_port: int
    origin: str  # for TCP, and of the echo for UDP
    folder: Path
    key_kind: str = ""  # of the certificate; without one there is no TLS, for it takes memory
    clients: int = 8500  # what a product must be ready for; some take memory for it at start

    def port(self, mode: str) -> int:
        return getattr(self, f"{mode}_port")


def free_ports(count: int) -> list[int]:
    """Ports that are free now, of TCP and of UDP. Another process might take one: the run then
    fails and says so."""
    with contextlib.ExitStack() as stack:
        found = []
        while len(found) < count:
            stream = stack.enter_context(socket.socket())
            stream.bind(("127.0.0.1", 0))
            port = stream.getsockname()[1]
            datagrams = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):
                datagrams.bind(("127.0.0.1", port))
                found.append(port)
        return found


class Product:
    """A proxy. `config_files` are templates of bench/rivals; `command` runs in the foreground."""

    name = ""
    modes: tuple[str, ...] = ("http", "h2", "tcp", "tls", "udp", "udp_once")
    config_files: dict[str, str] = {}

    def __init__(self, binary: str):
        self.binary = binary
        self.under: list[str] = []  # the words of a tool that runs the product, callgrind's say

    def command(self, folder: Path) -> list[str]:
        raise NotImplementedError

    def sidecar_command(self, place: Place) -> list[str] | None:
        """A start without a file, where the product has one."""
        return None

    def version_words(self) -> list[str]:
        return [self.binary, "-v"]

    def version(self) -> str:
        done = subprocess.run(self.version_words(), capture_output=True, text=True, timeout=10,
                              check=False)
        return (done.stdout + done.stderr).strip().splitlines()[0] if done.stdout + done.stderr \
            else "unknown"

    def can(self, mode: str) -> bool:
        """Whether the program that is installed here has a mode that the product knows."""
        return mode in self.modes

    def fill(self, text: str, place: Place) -> str:
        if not place.key_kind:
            text = re.sub(r"[^\n]*@TLS_BEGIN@.*?@TLS_END@[^\n]*\n", "", text, flags=re.DOTALL)
        text = re.sub(r"[^\n]*@TLS_(BEGIN|END)@[^\n]*\n", "", text)
        for word, value in (("@HTTP_PORT@", place.http_port), ("@TCP_PORT@", place.tcp_port),
                            ("@H2_PORT@", place.h2_port), ("@UDP_PORT@", place.udp_port),
                            ("@TLS_PORT@", place.tls_port),
                            ("@KEY_KIND@", place.key_kind),
                            ("@UDP_ONCE_PORT@", place.udp_once_port),
                            ("@ORIGIN@", place.origin), ("@DIR@", place.folder),
                            ("@CLIENTS@", place.clients), ("@CONNECTIONS@", 2 * place.clients)):
            text = text.replace(word, str(value))
        return text

    def start(self, place: Place, sidecar: bool = False) -> Child:
        """Starts the product; the caller waits until it answers."""
        for template, target in self.config_files.items():
            text = (BENCH / "rivals" / template).read_text()
            (place.folder / target).write_text(self.fill(text, place))
        command = (self.sidecar_command(place) if sidecar else None) or self.command(place.folder)
        return Child(self.under + command, PROXY_CORE, place.folder / f"{self.name}.log",
                     cwd=place.folder)


class Poise(Product):
    name = "poise"

    config_files = {"poise.yaml": "poise.yaml", "node.yaml": "node.yaml"}

    def command(self, folder):
        return [self.binary, "serve", "--config", "poise.yaml", "--node", "node.yaml"]

    def sidecar_command(self, place):
        return [self.binary, "proxy", "--workers", "1", "--listen",
                f"127.0.0.1:{place.http_port}", "--to",
                place.origin]

    def version_words(self):
        return [self.binary, "--version"]


class Haproxy(Product):
    name = "haproxy"
    modes = ("http", "h2", "tcp", "tls")
    config_files = {"haproxy.cfg.in": "haproxy.cfg"}

    def command(self, folder):
        return [self.binary, "-db", "-q", "-f", "haproxy.cfg"]


class Nginx(Product):
    name = "nginx"
    config_files = {"nginx.conf.in": "nginx.conf"}

    def command(self, folder):
        return [self.binary, "-p", str(folder), "-c", str(folder / "nginx.conf")]

    def can(self, mode):
        return mode in ("http", "h2", "tls") or STREAM_MODULE.exists()

    def fill(self, text, place):
        text = super().fill(text, place)
        if STREAM_MODULE.exists():
            text = text.replace("@LOAD_STREAM@", f"load_module {STREAM_MODULE};")
            return text.replace("@STREAM_BEGIN@", "").replace("@STREAM_END@", "")
        return text.replace("@LOAD_STREAM@", "").split("@STREAM_BEGIN@")[0]


def find_products(names: str, poise_binary: str) -> list[Product]:
    """The products of a comma-separated list that exist here; raises ValueError for a bad name."""
    makers = {"poise": lambda: Poise(poise_binary), "haproxy": lambda: Haproxy("haproxy"),
              "nginx": lambda: Nginx("nginx")}
    chosen = []
    for name in [word.strip() for word in names.split(",") if word.strip()]:
        if name not in makers:
            raise ValueError(f"unknown product '{name}'; there are {', '.join(makers)}")
        product = makers[name]()
        found = shutil.which(product.binary)
        if found is None:
            raise ValueError(f"{name}: no program '{product.binary}' here "
                             "(./dev deps, ./dev build)")
        product.binary = str(Path(found).resolve())  # it starts in another folder
        chosen.append(product)
    if not chosen:
        raise ValueError(f"no product was named; there are {', '.join(makers)}")
    return chosen


def wait_until_answers(child: Child, port: int, patience: float = 10.0) -> float:
    """Asks for one byte until it comes; returns the seconds since the child was started."""
    return _wait(child, port, patience, _answers)


def wait_until_accepts(child: Child, port: int, patience: float = 10.0) -> float:
    """The same for a port whose protocol is not HTTP/1.1 in the clear: connects, and no more."""
    return _wait(child, port, patience, lambda client: True)


def _answers(client: socket.socket) -> bool:
    request = b"GET /1 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    client.sendall(request)
    return client.recv(64).startswith(b"HTTP/1.1 200")


def _wait(child: Child, port: int, patience: float, is_there) -> float:
    deadline = time.perf_counter() + patience
    while time.perf_counter() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
                if is_there(client):
                    return time.perf_counter() - child.started
        except OSError:
            pass
        if not child.alive():
            break
        time.sleep(0.0005)
    raise RuntimeError(f"{' '.join(child.command)} does not answer on port {port}:\n{child.tail()}")
