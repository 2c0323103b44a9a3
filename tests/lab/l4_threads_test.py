"""Several layer-4 threads: each has all of its clients, and nobody can tell."""

from pathlib import Path

import pytest

from l4_fast_path_test import start
from lib.layer4 import VIP, Caller, many_addresses
from lib.programs import wait_for

CLIENTS, ROUNDS, THREADS = 24, 40, 3


def wakes_of_threads(lab) -> dict[str, int]:
    """How often each layer-4 thread has slept and was woken."""
    counts = {}
    for task in Path(f"/proc/{lab.poise.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        if name.startswith("poise-l4-"):
            status = (task / "status").read_text()
            counts[name] = int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return counts


def callers_from(lab, addresses: list[str]) -> list[Caller]:
    return [Caller(lab, VIP, 80, source=one) for one in addresses]


@pytest.mark.parametrize("mode", ["nat", "dr"])
def test_clients_are_shared_out(lab, mode):
    start(lab, mode, "s1", "s2", node={"workers": THREADS, "fast_path": "off"})
    begun = lab.poise.service("web")["connections"]
    callers = callers_from(lab, many_addresses(lab.client, CLIENTS))
    before = wakes_of_threads(lab)
    assert sorted(before) == [f"poise-l4-{number}" for number in range(THREADS)]
    for _ in range(ROUNDS):
        assert all(one.says(b"x" * 3_000) for one in callers)
    after = wakes_of_threads(lab)
    for name, count in before.items():
        assert after[name] - count > 2 * ROUNDS, (name, before, after)
    wait_for("all are counted",
             lambda: lab.poise.service("web")["connections"] == begun + CLIENTS)
    assert {one.server for one in callers} == {"s1", "s2"}


def test_one_worker_has_one_thread(lab):
    start(lab, "nat", "s1", node={"workers": 1})
    assert list(wakes_of_threads(lab)) == ["poise-l4-0"]
    assert "1 thread\n" in lab.poise.run("status").stdout


def test_a_dead_servers_clients_are_reset_by_every_thread(lab):
    start(lab, "nat", "s1", "s2", node={"workers": THREADS})
    callers = callers_from(lab, many_addresses(lab.client, CLIENTS))
    for _ in range(ROUNDS):
        assert all(one.says(b"y") for one in callers)
    wait_for("all go by the fast path",
             lambda: lab.poise.status()["layer4"]["fast_flows"] == CLIENTS)
    lab.node("s1").link(up=False)
    for one in callers:
        if one.server == "s1":
            assert one.is_reset()
        else:
            assert one.says(b"still here")

