"""The PROXY protocol in and out: who the client is, believed only from those who may say it."""

import json
import socket
import struct

import pytest

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source="192.0.2.7", port=1234) -> bytes:
    return f"PROXY TCP4 {source} 198.51.100.1 {port} 80\r\n".encode()


def v2(source="192.0.2.7", port=1234) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton("198.51.100.1")
    ports = struct.pack("!HH", port, 80)
    return SIGNATURE + b"\x21\x11" + struct.pack("!H", 12) + addresses + ports


def forwarded_for(lab, head: bytes) -> str:
    with lab.connect() as wire:
        wire.send(head)
        seen = json.loads(wire.ask("GET", "/headers").body)["fields"]
    return {name.lower(): value for name, value in seen}["x-forwarded-for"]


LISTEN = [{"address": ":80", "proxy_protocol": True}]


@pytest.mark.parametrize("head", [v1(), v2()], ids=["v1", "v2"])
def test_a_trusted_proxy_header_names_the_client(lab, head):
    lab.origin("s1")
    lab.balance("s1", listen=LISTEN, trusted_proxies=[lab.client.ip])

    assert forwarded_for(lab, head) == "192.0.2.7"


def test_a_local_proxy_header_means_the_connection_itself(lab):
    lab.origin("s1")
    lab.balance("s1", listen=LISTEN, trusted_proxies=[lab.client.ip])

    assert forwarded_for(lab, SIGNATURE + b"\x20\x00\0\0") == lab.client.ip


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n",
                                   b"PROXY TCP4 x y 1 2\r\n",
                                   b"PROXY " + b"x" * 200, SIGNATURE + b"\x31\x11\0\0"])
def test_a_missing_or_bad_header_is_refused(lab, first):
    server = lab.scripted()
    lab.balance("s1", listen=LISTEN, trusted_proxies=[lab.client.ip])
    with lab.connect() as wire:
        wire.send(first)
        assert wire.ends_within(3)
        assert not wire.ahead.startswith(b"HTTP/1.1 2")
    assert server.requests == []


def test_an_untrusted_proxy_header_is_refused(lab):
    server = lab.scripted()
    lab.balance("s1", listen=LISTEN, trusted_proxies=["10.9.9.9"])
    with lab.connect() as wire:
        try:
            wire.send(v1())
            wire.request("GET", "/")
        except OSError:
            pass
        assert wire.ends_within(3)
        assert not wire.ahead.startswith(b"HTTP/1.1 2")
    assert server.requests == []


@pytest.mark.parametrize("protocol", ["http", "tcp"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_servers_get_a_proxy_header_first(lab, version, protocol):
    heads = []

    def handler(wire):
        if version == "v1":
            heads.append(wire.line())
        else:
            assert wire.take(12) == SIGNATURE
            start = wire.take(4)
            rest = wire.take(struct.unpack("!H", start[2:])[0])
            heads.append(start[:2] + rest[:12])
        while wire.next_request():
            wire.respond(200, b"ok")
    lab.scripted(handler)
    lab.balance("s1", send_proxy=version, protocol=protocol, health={"check": "none"})
    with lab.connect() as wire:
        assert wire.ask("GET", "/").body == b"ok"
        port = wire.sock.getsockname()[1]
    if version == "v1":
        assert heads[-1].split() == [b"PROXY", b"TCP4", lab.client.ip.encode(), lab.lb.ip.encode(),
                                    str(port).encode(), b"80"]
    else:
        assert heads[-1] == b"\x21\x11" + socket.inet_aton(lab.client.ip) + \
            socket.inet_aton(lab.lb.ip) + struct.pack("!HH", port, 80)


def test_clients_never_share_a_connection_that_named_one_of_them(lab):
    """With a PROXY header the server believes the connection: no other client may use it."""
    seen = []

    def handler(wire):
        name = wire.line().split()[2].decode()
        while request := wire.next_request():
            seen.append((name, request.get("X-Me")))
            wire.respond(200, b"ok")
    lab.scripted(handler)
    lab.client.add_address("10.77.0.100")
    lab.balance("s1", send_proxy="v1", health={"check": "none"},
                settings={"node": {"workers": 1}})
    for source in (lab.client.ip, "10.77.0.100") * 4:
        assert lab.ask("/", source=source, X_Me=source).status == 200

    assert len(seen) == 8
    assert all(name == me for name, me in seen), seen
