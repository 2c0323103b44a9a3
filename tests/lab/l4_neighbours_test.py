"""Mode nat with a server network that has no way of its own: masquerade, and its own clients."""

import socket
import threading

from lib.layer4 import (VIP, VIP6, Caller, Echo, add_vip, common, nat_server, second_arm,
                        wait_for_service)
from lib.programs import POISE


def start(lab, **layer4) -> dict:
    second_arm(lab)
    nodes = {role: nat_server(lab, role) for role in ("s1", "s2")}
    for role, node in nodes.items():
        lab.keep(Echo(node, 8080, role))
    add_vip(lab)
    lab.serve({"services": {
        name: common("nat") | {"listen": f"{vip}:80", "layer4": dict(layer4),
                               "servers": [{"name": r, "address": f"{address(n)}:8080"}
                                           for r, n in nodes.items()]}
        for name, vip, address in (("web", VIP, lambda n: n.ip),
                                   ("web6", f"[{VIP6}]", lambda n: f"[{n.ip6}]"))}})
    wait_for_service(lab, VIP, 80)
    wait_for_service(lab, VIP6, 80)
    return nodes


def seen_by(lab, node, to: str) -> str:
    """Whom a machine outside sees when `node` connects to it."""
    listener, seen = lab.client.listen(9000), []
    thread = threading.Thread(target=lambda: seen.append(listener.accept()[1][0]), daemon=True)
    thread.start()
    node.connect(to, 9000, timeout=5).close()
    thread.join(5)
    listener.close()
    return seen[0].removeprefix("::ffff:")


def echoes(node, to: str) -> bool:
    """Whether an ICMP echo request (type 8, code 0, a checksum, id and number) is answered."""
    with node.inside():
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    asking.settimeout(5)
    asking.sendto(bytes([8, 0, 0xf7, 0xfd, 0, 1, 0, 1]), (to, 0))
    return asking.recv(100)[0] == 0


def test_what_servers_begin_leaves_as_the_service(lab):
    lab.lb.run(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
    nodes = start(lab, masquerade=True)
    nodes["s1"].run(["sysctl", "-qw", "net.ipv4.ping_group_range=0 1000"])
    assert seen_by(lab, nodes["s1"], lab.client.ip) == VIP
    assert seen_by(lab, nodes["s2"], lab.client.ip6) == VIP6
    assert echoes(nodes["s1"], lab.client.ip)
    assert Caller(lab, VIP, 80).seen_as == lab.client.ip, "clients keep their addresses"


def test_check_and_log_tell_of_a_kernel_that_forwards_nothing(lab):
    lab.lb.run(["sysctl", "-qw", "net.ipv4.ip_forward=0"])
    start(lab, masquerade=True)
    told = lab.lb.run([POISE, "check", str(lab.folder / "poise.yaml")]).stderr
    assert "masquerade" in told and "sysctl -w net.ipv4.ip_forward=1" in told


def test_the_servers_network_reaches_the_service(lab):
    """A machine beside the servers, and a server that is its own client."""
    nodes = start(lab)
    beside = nat_server(lab, "s3")
    for vip, address in ((VIP, beside.ip), (VIP6, beside.ip6)):
        for node in (beside, nodes["s1"]):
            callers = [Caller(lab, vip, 80, by=node) for _ in range(4)]
            assert {one.server for one in callers} == {"s1", "s2"}
            assert {one.seen_as for one in callers} == {vip}, f"not {address}"
            assert all(one.says(bytes(range(256)) * 300) for one in callers)
    assert Caller(lab, VIP, 80).seen_as == lab.client.ip
