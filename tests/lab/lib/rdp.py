"""Remote desktops: real servers and clients (xrdp, FreeRDP), and packets by hand."""

import shutil
import socket
import struct
import subprocess
from pathlib import Path

from .programs import Program, wait_for

TOOLS = ("xrdp", "xfreerdp", "Xvfb")
PORT = 3389
NEGOTIATION = b"\1\0\x08\0\3\0\0\0"  # RDP_NEG_REQ: TLS and CredSSP
CONFIRM = b"\3\0\0\x13\x0e\xd0\0\0\x124\0\2\0\x08\0\1\0\0\0"  # X.224 confirm: TLS


def missing_tool() -> str | None:
    return next((tool for tool in TOOLS if shutil.which(tool) is None), None)


def token(address: str, port: int = PORT) -> str:
    """As a connection broker writes a server: the bytes of both numbers the other way round."""
    ip = struct.unpack("<I", socket.inet_aton(address))[0]
    return f"Cookie: msts={ip}.{socket.htons(port)}.0000"


def request(line: str = "") -> bytes:
    """A client's first packet, an X.224 connection request."""
    rest = (line + "\r\n" if line else "").encode() + NEGOTIATION
    return b"\3\0" + struct.pack("!HB", 11 + len(rest), 6 + len(rest)) + b"\xe0\0\0\0\0\0" + rest


class Xrdp(Program):
    """A server that shows its log-in screen over TLS."""

    def __init__(self, node, folder: Path):
        home = folder / f"xrdp-{node.role}"
        home.mkdir()
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem",
             "-out", "cert.pem", "-subj", f"/CN={node.role}", "-days", "2"], cwd=home,
            capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        (home / "xrdp.ini").write_text(f"""[Globals]
ini_version=1
fork=true
port=tcp://:{PORT}
security_layer=negotiate
crypt_level=high
allow_channels=true
max_bpp=24
certificate={home}/cert.pem
key_file={home}/key.pem
ssl_protocols=TLSv1.2, TLSv1.3
pidfile={home}/xrdp.pid
[Logging]
LogFile={home}/xrdp.log
LogLevel=INFO
EnableSyslog=false
EnableConsole=false
[Xorg]
name=Xorg
lib=libxup.so
username=ask
password=ask
ip=127.0.0.1
port=-1
code=20
""")
        self.journal = home / "xrdp.log"
        super().__init__(node, ["xrdp", "-n", "-c", str(home / "xrdp.ini")], home / "out.log")

    def sessions(self) -> int:
        return self.journal.read_text(errors="replace").count("TLS connection established")


def connect(lab, user: str, *more: str) -> None:
    """FreeRDP, until the server's screen is there: TLS, licence and capabilities are through."""
    for old in lab.folder.glob("xfreerdp.log"):
        old.unlink()
    display = Program(lab.client, ["Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24",
                                   "-nolisten", "tcp"], lab.folder / f"xvfb-{user}.log")
    try:
        shown = wait_for("a display", lambda: next(
            (line for line in display.output().split() if line.isdigit()), None))
        client = Program(lab.client, ["env", f"DISPLAY=:{shown}", f"HOME={lab.folder}", "xfreerdp",
                                      f"/v:{lab.lb.ip}:{PORT}", f"/u:{user}", "/p:x", "/sec:tls",
                                      "/cert:ignore", "/log-level:DEBUG", *more],
                         lab.folder / "xfreerdp.log")
        try:
            wait_for("an active session",
                     lambda: "--> CONNECTION_STATE_ACTIVE" in client.output(), 20)
        finally:
            client.kill()
    finally:
        display.kill()
        (lab.folder / f"xvfb-{user}.log").unlink()
