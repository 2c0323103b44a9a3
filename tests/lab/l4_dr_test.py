"""Mode dr: one arm, answers straight from the server, the client's address untouched."""

import pytest

from lib.layer4 import (VIP, VIP6, Caller, Echo, add_vip, common, direct_server,
                        wait_for_service)
from lib.network import _ip
from lib.programs import POISE


def start(lab, *roles, **service):
    nodes = {role: direct_server(lab, role) for role in roles}
    for role, node in nodes.items():
        lab.keep(Echo(node, 8080, role))
    add_vip(lab)
    lab.serve({"services": {
        "web": common("dr") | {"listen": f"{VIP}:8080",
                         "servers": [{"name": r, "address": n.ip} for r, n in nodes.items()]}
        | service,
        "web6": common("dr") | {"listen": f"[{VIP6}]:8080",
                          "servers": [{"name": r, "address": f"[{n.ip6}]"}
                                      for r, n in nodes.items()]}}})
    wait_for_service(lab, VIP, 8080)
    wait_for_service(lab, VIP6, 8080)


@pytest.mark.parametrize("address", [VIP, VIP6])
def test_servers_answer_directly_and_see_the_client(lab, address):
    start(lab, "s1", "s2")
    callers = [Caller(lab, address, 8080) for _ in range(6)]
    assert {one.server for one in callers} == {"s1", "s2"}
    assert {one.seen_as for one in callers} <= {lab.client.ip, lab.client.ip6}
    for one in callers:
        assert one.says(bytes(range(256)) * 200)

    service = lab.poise.service("web" if address == VIP else "web6")
    assert service["sessions"] >= 6 and service["datagrams_in"] > 20
    assert service["datagrams_out"] == 0, "answers do not pass the balancer"
    assert set(service["failures"]) <= {"no_neighbour"}, "before the first answers of ARP"


def test_drain_keeps_connections_and_halt_resets_them(lab):
    start(lab, "s1", "s2")
    callers = [Caller(lab, VIP, 8080) for _ in range(4)]
    mine = next(one for one in callers if one.server == "s1")
    assert lab.poise.run("drain", "web/s1").returncode == 0
    assert {Caller(lab, VIP, 8080).server for _ in range(4)} == {"s2"}
    assert mine.says(b"still here")

    assert lab.poise.run("halt", "web/s1").returncode == 0
    assert mine.is_reset()
    other = next(one for one in callers if one.server == "s2")
    assert other.says(b"not concerned")


def test_check_names_a_server_that_answers_for_the_address(lab):
    start(lab, "s1", "s2")
    check = [POISE, "check", str(lab.folder / "poise.yaml")]
    assert "ARP" not in lab.lb.run(check).stderr
    noisy = lab.node("s3")
    _ip([f"addr add {VIP}/32 dev lo"], inside=noisy.name)
    config = (lab.folder / "poise.yaml").read_text().replace(lab.node("s2").ip, noisy.ip)
    (lab.folder / "noisy.yaml").write_text(config)
    told = lab.lb.run([POISE, "check", str(lab.folder / "noisy.yaml")])
    assert told.returncode == 0, "it is a warning"
    assert f"its server s2 answers ARP for {VIP}" in told.stderr and "s1" not in told.stderr
