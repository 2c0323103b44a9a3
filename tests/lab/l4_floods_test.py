"""Layer 4 under floods: SYNs from nowhere, packets that are no packets."""

import json
import random
import socket
import struct
import threading
import time

import pytest

from lib.layer4 import (VIP, Caller, Echo, add_vip, common, direct_server, nat_server,
                        second_arm, wait_for_service)


def frame(lab, source: str, payload: bytes, protocol: int = 6) -> bytes:
    """An IPv4 packet to the virtual address, on the wire to the balancer."""
    mac = json.loads(lab.lb.run(["ip", "-j", "link", "show", "eth0"]).stdout)[0]["address"]
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(VIP))
    words = struct.unpack(">10H", head)
    total = sum(words)
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xffff) + head[12:]
    return bytes.fromhex(mac.replace(":", "")) + b"\x02\0\0\0\0\x09\x08\x00" + head + payload


def raw(lab) -> socket.socket:
    with lab.client.inside():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(("eth0", 0))
    return sock


@pytest.mark.alone
def test_a_legitimate_client_works_through_a_flood_of_syns(lab):
    second_arm(lab)
    node = nat_server(lab, "s1")
    lab.keep(Echo(node, 8080, "s1"))
    add_vip(lab)
    lab.serve({"services": {"web": common("nat") | {
        "listen": f"{VIP}:80", "servers": [{"name": "s1", "address": f"{node.ip}:8080"}]}}})
    wait_for_service(lab, VIP, 80)
    old = Caller(lab, VIP, 80)
    syns = [bytearray(frame(lab, f"198.18.{i}.1", struct.pack(
        ">HHIIBBHHH", 1024, 80, 1, 0, 0x50, 2, 1000, 0, 0))) for i in range(64)]
    over = threading.Event()

    def flood() -> None:
        sock = raw(lab)
        while not over.is_set():
            one = syns[random.randrange(len(syns))]
            struct.pack_into(">H", one, 34, random.randrange(1024, 65536))
            try:
                sock.send(one)
            except OSError:
                pass
        sock.close()

    threads = [threading.Thread(target=flood, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert old.says(b"still here" * 100)
            fresh = Caller(lab, VIP, 80, timeout=10)
            assert fresh.says(b"and new ones too")
            fresh.close()
    finally:
        over.set()
        for thread in threads:
            thread.join(5)
    assert lab.poise.service("web")["connections"] > 1_000, "the flood has reached it"
    lost = lab.poise.status().get("packets_dropped", {})
    assert "ring_full" not in lost, "SYNs have a ring of their own"


def test_garbage_does_no_harm(lab):
    node = direct_server(lab, "s1")
    lab.keep(Echo(node, 8080, "s1"))
    add_vip(lab)
    lab.serve({"services": {"web": common("dr") | {
        "listen": f"{VIP}:8080", "servers": [{"name": "s1", "address": node.ip}]}}})
    wait_for_service(lab, VIP, 8080)
    dice = random.Random(4)
    sock = raw(lab)
    tcp = struct.pack(">HHIIBBHHH", 1024, 8080, 1, 0, 0x50, 2, 1000, 0, 0)
    good = [frame(lab, "198.18.0.1", tcp, protocol) for protocol in (6, 17, 1)]
    for i in range(3_000):
        one = bytearray(good[i % 3])
        for _ in range(dice.randrange(1, 8)):
            one[dice.randrange(14, len(one))] = dice.randrange(256)
        sock.send(bytes(one[:dice.randrange(14, len(one) + 1)]))
    sock.close()
    assert Caller(lab, VIP, 8080).says(b"alive")
    assert lab.poise.alive()
