"""TLS passed on untouched, to the servers that its first packet names."""

import signal
import socket
import struct
import subprocess
import time

import pytest

from lib.programs import wait_for
from lib.wire import Cut

SIDES = {"a": ["a.example.com", "*.a.example.org"], "b": ["*.example.com"]}


def certificate(lab, name: str) -> None:
    """A certificate of its own authority: who trusts it alone knows which server has answered."""
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}",
         "-addext", "subjectAltName=DNS:a.example.com,DNS:*.example.com,DNS:*.a.example.org",
         "-days", "2"], cwd=lab.folder, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def tls_server(lab, role: str, name: str) -> None:
    certificate(lab, name)
    server = lab.program(role, ["openssl", "s_server", "-accept", "443", "-www", "-quiet", "-cert",
                                str(lab.folder / f"{name}.crt"), "-key",
                                str(lab.folder / f"{name}.key")], f"{name}.log")
    server.wait_listening(lab.node(role).ip, 443)


def tcp(lab, role: str, **more) -> dict:
    return {"protocol": "tcp", "health": "none",
            "servers": [lab.entry({"role": role, "port": 443})]} | more


def balance(lab, **more):
    """Service `front` on port 443, whose own server is s3; `a` is s1, `b` is s2."""
    rules = [{"match": {"sni": names}, "use": side} for side, names in SIDES.items()]
    front = tcp(lab, "s3", listen=":443", rules=rules) | more
    return lab.serve({"services": {"front": front, "a": tcp(lab, "s1"), "b": tcp(lab, "s2")}}, 443)


def requests_of(poise) -> dict:
    return {one["name"]: one["requests"] for one in poise.status()["services"]}


def test_real_tls_reaches_the_server_of_its_name_end_to_end(lab):
    tls_server(lab, "s1", "a")
    tls_server(lab, "s2", "b")
    poise = balance(lab)

    def reaches(host: str, side: str, *more: str) -> bool:
        done = lab.client.run(["curl", "-sS", "-o", "/dev/null", "--cacert",
                               str(lab.folder / f"{side}.crt"), "--resolve",
                               f"{host}:443:{lab.lb.ip}", *more, f"https://{host}/"])
        return done.returncode == 0

    for host, side in (("a.example.com", "a"), ("A.Example.COM", "a"), ("x.a.example.org", "a"),
                       ("b.example.com", "b"), ("other.example.com", "b")):
        assert reaches(host, side), host
        assert not reaches(host, "ab".replace(side, "")), f"{host} is answered by one side alone"
    assert reaches("b.example.com", "b", "--tlsv1.2", "--tls-max", "1.2")
    assert requests_of(poise) == {"front": 0, "a": 6, "b": 5}


def test_openssl_s_client_sees_the_server_s_own_certificate(lab):
    tls_server(lab, "s1", "a")
    tls_server(lab, "s2", "b")
    balance(lab)
    for host, side in (("a.example.com", "a"), ("b.example.com", "b")):
        done = lab.client.run(["openssl", "s_client", "-connect", f"{lab.lb.ip}:443", "-servername",
                               host, "-alpn", "h2,http/1.1"], text="Q\n")
        assert f"subject=CN = {side}" in done.stdout, done.stdout + done.stderr


def hello(name: str, pad: int = 0) -> bytes:
    """A ClientHello by hand, in one record: the name, and `pad` bytes of padding (RFC 7685)."""
    host = name.encode()
    extensions = b""
    if name:
        extensions += struct.pack("!HHHBH", 0, len(host) + 5, len(host) + 3, 0, len(host)) + host
    if pad:
        extensions += struct.pack("!HH", 21, pad) + b"\0" * pad
    body = b"\3\3" + b"r" * 32 + b"\0" + b"\0\2\x13\1" + b"\1\0"
    body += struct.pack("!H", len(extensions)) + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return record(message)


def record(fragment: bytes) -> bytes:
    return b"\x16\3\1" + struct.pack("!H", len(fragment)) + fragment


def telling_servers(lab) -> dict:
    """Servers that keep all that they get, by role."""
    heard = {}

    def handler_of(role):
        def handler(wire):
            heard.setdefault(role, []).append(b"")
            mine = len(heard[role]) - 1
            try:
                while True:
                    if wire.ahead:
                        heard[role][mine] += wire.ahead
                        wire.send(role)
                    wire.ahead = b""
                    wire.more()
            except (Cut, OSError):
                pass
        return handler
    for role in ("s1", "s2", "s3"):
        lab.scripted(handler_of(role), role, 443)
    return heard


def answered_by(lab, *pieces: bytes, pause: float = 0.0, end: bool = False) -> str:
    with lab.connect(port=443, timeout=5) as wire:
        for piece in pieces:
            wire.send(piece)
            time.sleep(pause)
        if end:
            wire.sock.shutdown(socket.SHUT_WR)
        return wire.take(2).decode()


def test_hellos_in_pieces_and_in_many_records_arrive_untouched(lab):
    heard = telling_servers(lab)
    balance(lab)
    whole = hello("a.example.com", pad=6000)
    message = whole[5:]
    in_records = b"".join(record(message[i:i + 100]) for i in range(0, len(message), 100))
    for sent, cut in ((whole, 1), (whole, 7), (whole, 3000), (in_records, 5), (in_records, 4000)):
        assert answered_by(lab, sent[:cut], sent[cut:], pause=0.1) == "s1"
        assert heard["s1"][-1] == sent
    assert answered_by(lab, *[bytes([byte]) for byte in hello("b.example.com")],
                       pause=0.001) == "s2"
    assert heard["s2"][-1] == hello("b.example.com")


@pytest.mark.parametrize("first", [hello(""), hello("c.other.org"), hello("example.com"),
                                   b"SSH-2.0-OpenSSH\r\n", b"\x16\3\1\0\0", hello("x")[:9] + b"\xff"
                                   * 300, hello("a.example.com", pad=17_000)],
                         ids=["no-name", "unknown", "parent", "ssh", "empty-record", "malformed",
                              "too-long"])
def test_what_names_no_rule_goes_to_the_service_s_own_servers(lab, first):
    heard = telling_servers(lab)
    balance(lab)

    assert answered_by(lab, first, pause=0.2) == "s3"
    assert heard["s3"][-1] == first


def test_a_client_that_stops_in_its_hello_is_timed_out_and_counted(lab):
    heard = telling_servers(lab)
    poise = balance(lab, timeouts={"handshake": "700ms"})
    for first in (b"", hello("a.example.com")[:40]):
        wire = lab.connect(port=443)
        wire.send(first)
        assert not wire.ends_within(0.4)
        assert wire.ends_within(1)
    front = poise.status()["services"][0]
    assert front["failures"] == {"first_packet_timeout": 2}
    assert heard == {}
    assert answered_by(lab, hello("a.example.com")[:40], end=True) == "s3"


def test_a_stop_does_not_wait_for_clients_that_have_said_nothing(lab):
    telling_servers(lab)
    poise = balance(lab)
    silent = lab.connect(port=443)
    wait_for("the connection", lambda: poise.status()["services"][0]["sessions"] == 1)
    poise.signal(signal.SIGTERM)
    assert silent.ends_within(2)
    poise.process.wait(3)


def test_a_rule_by_source_waits_for_no_byte(lab):
    """Servers that speak first must be heard when the rule that matches asks for no name."""
    lab.scripted(lambda wire: (wire.send("220 s1"), wire.ends_within(3)), "s1", 443)
    telling = tcp(lab, "s2", listen=":443", rules=[
        {"match": {"source": "10.77.0.0/24"}, "use": "a"},
        {"match": {"sni": "a.example.com"}, "use": "a"}])
    lab.serve({"services": {"front": telling, "a": tcp(lab, "s1")}}, 443)
    with lab.connect(port=443, timeout=3) as wire:
        assert wire.take(6) == b"220 s1"


def test_a_proxy_header_comes_before_the_hello_and_names_the_source(lab):
    heard = telling_servers(lab)
    front = tcp(lab, "s3", listen=[{"address": ":443", "proxy_protocol": True}],
                trusted_proxies=[lab.client.ip],
                rules=[{"match": {"sni": "a.example.com", "source": "192.0.2.0/24"}, "use": "a"},
                       {"match": {"sni": "a.example.com"}, "use": "b"}])
    lab.serve({"services": {"front": front, "a": tcp(lab, "s1", send_proxy="v1"),
                            "b": tcp(lab, "s2")}}, 443)
    for source, server in (("192.0.2.7", "s1"), ("198.51.100.7", "s2")):
        head = f"PROXY TCP4 {source} 198.51.100.1 1234 443\r\n".encode()
        both = head + hello("a.example.com")
        for cut in (1, len(head), len(head) + 3):
            assert answered_by(lab, both[:cut], both[cut:], pause=0.05) == server
    assert heard["s1"][-1] == b"PROXY TCP4 192.0.2.7 198.51.100.1 1234 443\r\n" + \
        hello("a.example.com")
    assert heard["s2"][-1] == hello("a.example.com")


def test_the_chosen_service_has_its_own_persistence_and_time_limits(lab):
    telling_servers(lab)
    pool = {"protocol": "tcp", "health": "none", "scheduler": "rr", "persistence": "source",
            "timeouts": {"idle": "600ms"},
            "servers": [lab.entry({"role": role, "port": 443}) for role in ("s1", "s2")]}
    front = tcp(lab, "s3", listen=":443",
                rules=[{"match": {"sni": "a.example.com"}, "use": "pool"},
                       {"match": {"sni": "b.example.com"}, "timeouts": {"idle": "300ms"}}])
    lab.serve({"services": {"front": front, "pool": pool}}, 443)

    assert len({answered_by(lab, hello("a.example.com")) for _ in range(6)}) == 1
    for name, least, most in (("a.example.com", 0.5, 1.2), ("b.example.com", 0.2, 0.8)):
        with lab.connect(port=443, timeout=5) as wire:
            wire.send(hello(name))
            wire.take(2)
            began = time.monotonic()
            assert wire.ends_within(3)
            assert least < time.monotonic() - began < most
