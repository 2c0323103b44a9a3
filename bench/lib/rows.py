"""The rows of the suite: one question each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement: what wrk asks, or which special measurement is made."""

    name: str
    title: str
    kind: str = "load"  # load | rate | handshakes | datagrams | idle | start | rest
    path: str = "/1k"
    connections: int = 32
    mode: str = "http"  # http | h2 | tcp | tls | udp | udp_once (a session ends with its answer)
    key_kind: str = "ec"  # tls: of the certificate, ec or rsa
    streams: int = 0  # of HTTP/2 on each connection, by h2load; 0: HTTP/1.1, by wrk
    close: bool = False  # a new connection (datagrams: socket) for each request
    resumed: bool = False  # handshakes: of sessions that go on
    window: int = 1  # datagrams: how many a client has out at once
    size: int = 64  # datagrams: bytes of each
    share: float = 0  # rate: of the better rival's saturation
    primary: str = "cpu_us"  # the figure that the ratio is about

    @property
    def tls(self) -> bool:
        return self.mode == "tls"

    @property
    def by_turns(self) -> bool:
        """The figure is a cost, which all products are asked for in the same seconds."""
        return self.kind in ("load", "handshakes", "datagrams")


ROWS = [
    Row("c1", "1 KiB keep-alive, 1 connection", connections=1),
    Row("c32", "1 KiB keep-alive, 32 connections", connections=32),
    Row("c256", "1 KiB keep-alive, 256 connections", connections=256),
    Row("c1000", "1 KiB keep-alive, 1000 connections", connections=1000),
    Row("rate50", "1 KiB, 64 connections, at 50 % of the better rival's saturation", kind="rate",
        connections=64, share=0.5, primary="p99_ms"),
    Row("rate80", "1 KiB, 64 connections, at 80 % of the better rival's saturation", kind="rate",
        connections=64, share=0.8, primary="p99_ms"),
    Row("64k", "64 KiB body, 32 connections", path="/64k"),
    Row("1m", "1 MiB body, 16 connections", path="/1m", connections=16),
    Row("h2", "HTTP/2, 1 KiB, 1 connection with 32 streams", connections=1, streams=32,
        mode="h2"),
    Row("new", "new connection per request, 32 at once", close=True),
    Row("tcp", "TCP mode, 1 KiB, 32 connections", mode="tcp"),
    Row("tcp1m", "TCP mode, 1 MiB, 16 connections", mode="tcp", path="/1m", connections=16),
    Row("tls32", "TLS 1.3, 1 KiB keep-alive, 32 connections", mode="tls"),
    Row("tls256", "TLS 1.3, 1 KiB keep-alive, 256 connections", mode="tls", connections=256),
    Row("tls1m", "TLS 1.3, 1 MiB body, 16 connections", mode="tls", path="/1m", connections=16),
    Row("tlsec", "TLS 1.3 full handshake with one request, ECDSA P-256", kind="handshakes",
        mode="tls"),
    Row("tlsrsa", "TLS 1.3 full handshake with one request, RSA-2048", kind="handshakes",
        mode="tls", key_kind="rsa"),
    Row("tlsresumed", "TLS 1.3 resumed handshake with one request", kind="handshakes", mode="tls",
        resumed=True),
    Row("udp1", "UDP, 64 bytes, 1 client", kind="datagrams", mode="udp", connections=1),
    Row("udp", "UDP, 64 bytes, 64 clients", kind="datagrams", mode="udp", connections=64),
    Row("udp1000", "UDP, 64 bytes, 1000 clients", kind="datagrams", mode="udp", connections=1000),
    Row("udpbulk", "UDP, 1200 bytes, 16 clients with 8 each on the way", kind="datagrams",
        mode="udp", connections=16, window=8, size=1200),
    Row("udpnew", "UDP, a new client per datagram, one answer", kind="datagrams", mode="udp_once",
        connections=64, close=True),
    Row("idle", "idle connection, bytes of RSS", kind="idle", connections=8000,
        primary="idle_bytes"),
    Row("tlsidle", "idle TLS connection, bytes of RSS", kind="idle", mode="tls", connections=2000,
        primary="idle_bytes"),
    Row("start", "start to first byte, milliseconds", kind="start", primary="start_ms"),
    Row("sidecar", "sidecar at rest, RSS in MB", kind="start", primary="rss_mb"),
    Row("rest", "sidecar at rest, CPU us a second", kind="rest", primary="rest_us"),
]

# What must be reached against the better rival, by row.
RATIO_LIMITS = {"c32": 0.9, "c256": 0.9, "c1000": 0.9, "rate50": 1.0, "rate80": 1.0, "64k": 0.9,
                "1m": 1.0, "h2": 0.9, "new": 1.0, "tcp1m": 1.0, "udp": 0.9, "udp1000": 0.9,
                "udpnew": 0.9, "tls32": 0.9, "tls256": 0.9, "tlsec": 1.0, "tlsrsa": 1.0,
                "tlsresumed": 1.0}
# What must be reached in itself: figure and limit.
ABSOLUTE_LIMITS = {"idle": 600.0, "tlsidle": 15000.0, "start": 50.0, "sidecar": 8.0}


def choose(names: str) -> list[Row]:
    """The rows named in a comma-separated list; raises ValueError for an unknown one."""
    if not names:
        return list(ROWS)
    known = {row.name: row for row in ROWS}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"unknown row {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in wanted]
