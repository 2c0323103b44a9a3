"""Layer 4 with datagrams: both modes, ranges of ports, fragments, DNS by real programs, ICMP."""

import socket

from lib.layer4 import VIP, add_vip, direct_server, nat_server, second_arm
from lib.programs import wait_for


def udp(mode: str, listen: str, servers: list[dict], **service) -> dict:
    return {"mode": mode, "protocol": "udp", "scheduler": "rr", "health": "none", "listen": listen,
            "servers": servers} | service


def answers(client) -> bool:
    try:
        return bool(client.ask(b"?"))
    except TimeoutError:
        return False


def test_nat_of_datagrams_with_fragments(lab):
    second_arm(lab)
    nodes = [nat_server(lab, role) for role in ("s1", "s2")]
    servers = [lab.udp_server(node.role, 5353, answers=lambda data: [data]) for node in nodes]
    add_vip(lab)
    lab.serve({"services": {"dns": udp(
        "nat", f"{VIP}:53",
        [{"name": node.role, "address": f"{node.ip}:5353"} for node in nodes])}})
    with lab.udp_client(VIP, timeout=1) as client:
        wait_for("a first answer", lambda: answers(client))
        for size in (1, 1472, 1473, 4000, 9000, 60_000):
            data = bytes(i * 7 % 256 for i in range(size))
            assert client.ask(data) == data, size
            assert client.answered_by == (VIP, 53)
    clients = [lab.udp_client(VIP) for _ in range(6)]
    for client in clients:
        client.ask(b"here")
    assert all(server.heard for server in servers), "both servers have clients"
    seen = {source for server in servers for source in server.sources()}
    assert {address.removeprefix("::ffff:") for address, _ in seen} == {lab.client.ip}


def test_what_may_be_cut_passes_a_narrow_network_in_pieces(lab):
    """A client that forbids nothing, and its own fragments, through a network of 1280 bytes."""
    second_arm(lab)
    node = nat_server(lab, "s1")
    lab.udp_server("s1", 5353, answers=lambda data: [data])
    add_vip(lab)
    for narrow, link in ((node, "eth0"), (lab.lb, "eth1")):
        assert narrow.run(["ip", "link", "set", link, "mtu", "1280"]).returncode == 0
    lab.serve({"services": {"dns": udp(
        "nat", f"{VIP}:53", [{"name": "s1", "address": f"{node.ip}:5353"}])}})
    mtu_discover, dont = 10, 0  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT of <netinet/in.h>
    with lab.udp_client(VIP, timeout=2) as client:
        client.sock.setsockopt(socket.IPPROTO_IP, mtu_discover, dont)
        wait_for("a first answer", lambda: answers(client))
        for size in (1253, 1472, 4000, 60_000):
            data = bytes(i * 7 % 256 for i in range(size))
            assert client.ask(data) == data, size
    assert "too_big" not in lab.poise.service("dns")["failures"]


def test_one_packet_scheduling_and_a_range_of_ports(lab):
    nodes = [direct_server(lab, role) for role in ("s1", "s2")]
    heard = [lab.udp_server(node.role, port) for node in nodes for port in (5000, 5007)]
    add_vip(lab)
    lab.serve({"services": {"video": udp(
        "dr", f"{VIP}:5000-5010", [{"name": n.role, "address": n.ip} for n in nodes],
        layer4={"one_packet": True})}})
    for port in (5000, 5007):
        with lab.udp_client(VIP, port=port, timeout=1) as client:
            wait_for("a first answer", lambda c=client: answers(c))
            seen = {client.ask(b"x").split(b":")[0] for _ in range(8)}
            assert seen == {b"s1", b"s2"}, "each datagram is scheduled alone"
    assert all(server.heard for server in heard)


def test_a_closed_port_is_told_to_the_client(lab):
    second_arm(lab)
    node = nat_server(lab, "s1")
    server = lab.udp_server("s1", 5353)
    add_vip(lab)
    lab.serve({"services": {"dns": udp("nat", f"{VIP}:53", [f"{node.ip}:5353"])}})
    with lab.udp_client(VIP, timeout=1) as client:
        wait_for("a first answer", lambda: answers(client))
    server.stop()
    with lab.client.inside():
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.settimeout(5)
    asking.connect((VIP, 53))
    asking.send(b"anybody?")
    try:
        asking.recv(10)
        raise AssertionError("an answer from nobody")
    except ConnectionRefusedError:
        pass
    asking.close()
