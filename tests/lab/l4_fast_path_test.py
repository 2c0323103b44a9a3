"""The fast path: established flows are sent on by the kernel, and nobody can tell."""

import pytest

from lib.layer4 import (VIP, VIP6, Caller, Echo, add_vip, common, direct_server, nat_server,
                        reload_with_one, second_arm, wait_for_service)
from lib.programs import wait_for

DATA = bytes(range(256)) * 2_000


def start(lab, mode: str, *roles, node: dict | None = None, checks: bool = True, **layer4):
    """Services `web` and `web6` of this mode; ports stay as they are with dr."""
    if mode == "nat":
        second_arm(lab)
    make, port = (nat_server, 8080) if mode == "nat" else (direct_server, 80)
    nodes = {role: make(lab, role) for role in roles}
    for role, one in nodes.items():
        lab.keep(Echo(one, port, role))
    add_vip(lab)

    health = {} if checks else {"health": "none"}

    def service(vip: str, address) -> dict:
        return common(mode) | health | {"listen": f"{vip}:80", "layer4": dict(layer4), "servers": [
            {"name": role, "address": address(one) + (":8080" if mode == "nat" else "")}
            for role, one in nodes.items()]}
    lab.serve({"services": {
        "web": service(VIP, lambda one: one.ip),
        "web6": service(f"[{VIP6}]", lambda one: f"[{one.ip6}]")}}, node=node or {})
    for vip in (VIP, VIP6):
        wait_for_service(lab, vip, 80)
    why_not = lab.poise.status()["layer4"]["no_fast_path"]
    if why_not and node is None:
        pytest.skip(f"no fast path here: {why_not}")


def fast_flows(lab) -> int:
    return lab.poise.status()["layer4"]["fast_flows"]


def by_the_fast_path(lab, *callers: Caller) -> None:
    """Until all of them go by it."""
    def all_there() -> bool:
        assert all(one.says(b"x") for one in callers)
        return fast_flows(lab) == len(callers)
    wait_for("the flows go by the fast path", all_there)


@pytest.mark.parametrize("mode", ["nat", "dr"])
def test_both_families_pass_and_are_counted(lab, mode):
    start(lab, mode, "s1", "s2")
    callers = [Caller(lab, vip, 80) for vip in (VIP, VIP, VIP6, VIP6)]
    by_the_fast_path(lab, *callers)
    before = lab.poise.service("web")
    for one in callers:
        for _ in range(20):
            assert one.says(DATA)
    wait_for("the counts come in", lambda: lab.poise.service("web")["bytes_in"]
             > before["bytes_in"] + 40 * len(DATA))
    after = lab.poise.service("web")
    assert after["datagrams_in"] > before["datagrams_in"] + 100
    assert (after["bytes_out"] > 40 * len(DATA)) == (mode == "nat")
    assert set(after["failures"]) <= {"no_neighbour"}
    assert "4 of them by the fast path" in lab.poise.run("status").stdout

    for one in callers:
        one.close()
    wait_for("ended flows leave it", lambda: fast_flows(lab) == 0)


def test_it_can_be_switched_off(lab):
    start(lab, "nat", "s1", node={"fast_path": "off"})
    one = Caller(lab, VIP, 80)
    assert one.says(DATA)
    assert lab.poise.status()["layer4"]["fast_flows"] == 0
    assert "no fast path: off by node.yaml" in lab.poise.run("status").stdout


def test_clients_of_a_dead_server_are_reset(lab):
    start(lab, "nat", "s1", "s2")
    callers = [Caller(lab, VIP, 80) for _ in range(4)]
    by_the_fast_path(lab, *callers)
    assert all(one.says(DATA) for one in callers)
    lab.node("s1").link(False)
    assert all(one.is_reset(15) for one in callers if one.server == "s1")
    assert all(one.says(DATA) for one in callers if one.server == "s2")


def test_drain_keeps_them_and_halt_ends_them(lab):
    start(lab, "dr", "s1", "s2")
    callers = [Caller(lab, VIP, 80) for _ in range(4)]
    by_the_fast_path(lab, *callers)
    mine = next(one for one in callers if one.server == "s1")
    assert lab.poise.run("drain", "web/s1").returncode == 0
    assert mine.says(DATA)
    assert lab.poise.run("halt", "web/s1").returncode == 0
    assert mine.is_reset()
    assert next(one for one in callers if one.server == "s2").says(DATA)


def test_a_reload_keeps_them(lab):
    start(lab, "nat", "s1", "s2")
    callers = [Caller(lab, VIP, 80) for _ in range(4)]
    by_the_fast_path(lab, *callers)
    reload_with_one(lab, "web", "s2")
    stay = [one for one in callers if one.server == "s2"]
    assert all(one.says(DATA) for one in stay)
    assert all(one.is_reset() for one in callers if one.server == "s1")
    by_the_fast_path(lab, *stay)


def test_a_server_that_gets_another_mac_address_is_followed(lab):
    # Checks would find the server down until the neighbour is known anew, and reset its clients.
    start(lab, "nat", "s1", checks=False)
    # The kernel believes in what it knows for up to 45 s, and TCP's tries grow rare meanwhile.
    assert lab.lb.run(["sysctl", "-qw", *(f"net.ipv4.neigh.eth1.{each}" for each in (
        "base_reachable_time_ms=1000", "delay_first_probe_time=1", "retrans_time_ms=200",
        "ucast_solicit=1"))]).returncode == 0
    assert lab.lb.run(["ip", "neigh", "flush", "dev", "eth1"]).returncode == 0
    one = Caller(lab, VIP, 80)
    by_the_fast_path(lab, one)
    server = lab.node("s1")
    assert server.run(["sh", "-c", "ip link set eth0 address 02:00:00:00:77:01 && "
                       f"ip route replace default via 10.78.0.1 && "
                       f"ip -6 route replace default via fd78::1"]).returncode == 0
    one.socket.settimeout(30)
    assert one.says(DATA)


def test_the_narrow_way_is_told_in_the_middle_of_a_connection(lab):
    start(lab, "nat", "s1")
    callers = [Caller(lab, vip, 80, timeout=30) for vip in (VIP, VIP6)]
    by_the_fast_path(lab, *callers)
    for one, link in ((lab.node("s1"), "eth0"), (lab.lb, "eth1")):
        assert one.run(["ip", "link", "set", link, "mtu", "1280"]).returncode == 0
    for one, name in zip(callers, ("web", "web6"), strict=True):
        wait_for("it was told", lambda c=one, n=name: c.says(DATA)
                 and lab.poise.service(n)["failures"].get("too_big"))
        assert one.says(DATA)


def test_a_busy_flow_outlives_its_timeout_and_an_idle_one_does_not(lab):
    start(lab, "nat", "s1", established="5s", closing="1s")
    busy, idle = Caller(lab, VIP, 80), Caller(lab, VIP, 80)
    by_the_fast_path(lab, busy, idle)

    def expired() -> bool:
        assert busy.says(b"still here")
        return lab.poise.status()["layer4"]["flows"] == 1
    wait_for("the idle one is gone", expired, 30)
    assert busy.says(DATA)


def test_nothing_stays_behind_a_kill(lab):
    start(lab, "nat", "s1")
    one = Caller(lab, VIP, 80)
    by_the_fast_path(lab, one)
    lab.poise.kill()
    one.socket.settimeout(1)
    with pytest.raises(OSError):
        one.says(b"a program that stayed would forward this")
