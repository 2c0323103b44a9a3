"""Mode nat: two arms, ports translated, the client's address untouched."""

import errno
import json
import socket

import pytest
import yaml

from lib.layer4 import (VIP, VIP6, Caller, Echo, add_vip, common, nat_server,
                        reload_with_one, second_arm, wait_for_service)
from lib.programs import wait_for


def start(lab, *roles, **service):
    """Service `web`, port 80 to 8080, and `web6`, over servers behind the second arm."""
    second_arm(lab)
    nodes = {role: nat_server(lab, role) for role in roles}
    for role, node in nodes.items():
        lab.keep(Echo(node, 8080, role))
    add_vip(lab)
    lab.serve({"services": {
        "web": common("nat") | {"listen": f"{VIP}:80",
                         "servers": [{"name": r, "address": f"{n.ip}:8080"}
                                     for r, n in nodes.items()]} | service,
        "web6": common("nat") | {"listen": f"[{VIP6}]:80",
                          "servers": [{"name": r, "address": f"[{n.ip6}]:8080"}
                                      for r, n in nodes.items()]}}})
    wait_for_service(lab, VIP, 80)
    wait_for_service(lab, VIP6, 80)


@pytest.mark.parametrize("forwarding", [False, True])
def test_both_families_and_super_packets_pass(lab, forwarding):
    lab.lb.run(["sysctl", "-qw", f"net.ipv4.ip_forward={int(forwarding)}"])
    start(lab, "s1", "s2")
    for address, seen in ((VIP, lab.client.ip), (VIP6, lab.client.ip6)):
        callers = [Caller(lab, address, 80) for _ in range(4)]
        assert {one.server for one in callers} == {"s1", "s2"}
        assert {one.seen_as for one in callers} == {seen}
        for one in callers:
            assert one.says(bytes(range(256)) * 1_000)
    service = lab.poise.service("web")
    assert set(service["failures"]) <= {"no_neighbour"}, "before the first answers of ARP"
    assert service["datagrams_out"] > 10
    text = lab.poise.run("status").stdout
    assert "nat, tcp on 10.77.0.100:80" in text and "flows" in text


def test_a_server_that_dies_is_left_and_its_clients_are_reset(lab):
    start(lab, "s1", "s2")
    callers = [Caller(lab, VIP, 80) for _ in range(4)]
    lab.node("s1").link(False)
    for one in callers:
        if one.server == "s1":
            assert one.is_reset(15)
    assert {Caller(lab, VIP, 80).server for _ in range(4)} == {"s2"}
    assert all(one.says(b"on") for one in callers if one.server == "s2")


def test_the_path_to_the_server_is_narrow(lab):
    """The client learns the size that passes by ICMP, in the middle of a connection."""
    start(lab, "s1")
    callers = [Caller(lab, address, 80, timeout=30) for address in (VIP, VIP6)]
    for node, link in ((lab.node("s1"), "eth0"), (lab.lb, "eth1")):
        assert node.run(["ip", "link", "set", link, "mtu", "1280"]).returncode == 0
    for caller, name in zip(callers, ("web", "web6"), strict=True):
        wait_for("it was told", lambda c=caller, n=name: c.says(bytes(range(256)) * 100)
                 and lab.poise.service(n)["failures"].get("too_big"))
        assert caller.says(bytes(range(256)) * 1_000)


def test_nothing_stays_behind_a_kill(lab):
    start(lab, "s1")
    assert "poise_" in lab.lb.run(["nft", "list", "ruleset"]).stdout
    config = (lab.folder / "poise.yaml").read_text()
    lab.poise.kill()
    assert "poise_" not in lab.lb.run(["nft", "list", "ruleset"]).stdout
    lab.serve(yaml.safe_load(config))
    wait_for_service(lab, VIP, 80)


def test_a_reload_keeps_connections(lab):
    start(lab, "s1", "s2")
    callers = [Caller(lab, VIP, 80) for _ in range(4)]
    reload_with_one(lab, "web", "s2")
    for one in callers:
        if one.server == "s2":
            assert one.says(b"still here")
        else:
            assert one.is_reset()
    assert {Caller(lab, VIP, 80).server for _ in range(3)} == {"s2"}


def test_the_last_drops_are_explained_by_example(lab):
    start(lab, "s1")
    assert lab.poise.run("halt", "web/s1").returncode == 0
    with pytest.raises(OSError):
        Caller(lab, VIP, 80, timeout=1)
    told = lab.poise.run("why", "web").stdout
    assert f" bytes from {lab.client.ip}:" in told and f" to {VIP}:80" in told, told
    assert "TCP SYN of 60 bytes" in told and "\nno_server (" in told, told
    assert "Bring a server back: poise status tells" in told, told
    assert f" to {VIP}:80" not in lab.poise.run("why", "web6").stdout
    packet = next(one for one in json.loads(lab.poise.run("why", "--json").stdout)
                  if one["reason"] == "no_server")
    assert (packet["service"], packet["server"], packet["phase"]) == ("web", "", "packet")
    assert packet["client"].startswith(lab.client.ip + ":")
    assert packet["packets"] == lab.poise.service("web")["failures"]["no_server"]


def test_a_traceroute_sees_the_balancer_and_then_the_server(lab):
    start(lab, "s1")
    for to, level, option in ((VIP, socket.IPPROTO_IP, socket.IP_TTL),
                              (VIP6, socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)):
        for hops, answer in ((1, errno.EHOSTUNREACH), (2, 0)):
            with lab.client.inside():
                family = socket.AF_INET6 if ":" in to else socket.AF_INET
                probe = socket.socket(family, socket.SOCK_STREAM)
            with probe:
                probe.settimeout(5)
                probe.setsockopt(level, option, hops)
                assert probe.connect_ex((to, 80)) == answer, (to, hops)
    assert lab.poise.service("web")["failures"]["hops_exceeded"] == 1
