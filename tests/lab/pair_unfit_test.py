"""Nodes that cannot put the floating addresses on their interfaces: the fitter one has them."""

import time

import pytest

from bench.failover.pair import PREFIX
from lib.pair_world import ADDRESS, ADDRESS6, GENEROUS, World, at_work, wait

pytestmark = pytest.mark.alone

STEADY = 3.0  # seconds in which nothing may change


class Apart(World):
    """The heartbeat is on eth0; the floating addresses are on interfaces of their own: IPv4 on
    vip4 and IPv6 on vip6."""

    def begin(self):
        self.poise.top = {"floating_ips": [f"{ADDRESS}/{PREFIX} dev vip4",
                                           f"{ADDRESS6}/64 dev vip6"]}
        for node in self.pair.nodes:
            # Otherwise eth0 answers for the addresses as well.
            node.run(["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"])
            for name in ("vip4", "vip6"):
                self.add(node, name)
        self.pair.has_address = self.has_address
        super().begin()

    def add(self, node, name: str) -> None:
        for words in (f"add {name} link eth0 type macvlan mode bridge", f"set {name} up"):
            done = node.run(["ip", "link", *words.split()])
            if done.returncode != 0:
                pytest.skip(f"no macvlan here: {done.stderr}")
        shown = node.run(["ip", "-o", "link", "show", "dev", name]).stdout
        self.pair.macs[shown.split("link/ether ")[1].split()[0]] = node

    @staticmethod
    def has_address(node, address: str = ADDRESS) -> bool:
        return f" {address}/" in node.run(["ip", "-o", "addr", "show"]).stdout

    def remove(self, node, name: str) -> None:
        done = node.run(["ip", "link", "del", name])
        assert done.returncode == 0, done.stderr

    def stays(self, node) -> None:
        """`node` is active, and nothing changes for a while."""
        before = [len(self.pair_status(each)["changes"]) for each in self.pair.nodes]
        time.sleep(STEADY)
        assert self.pair_status(node)["state"] == "active"
        assert [len(self.pair_status(each)["changes"]) for each in self.pair.nodes] == before


@pytest.fixture
def world(tmp_path):
    with at_work(Apart(tmp_path)) as made:
        yield made


def test_a_node_whose_interface_is_deleted_is_replaced(world):
    world.remove(world.active, "vip4")
    world.taken_over()
    assert world.web() == "an answer of the pair\n"
    wait("the status tells why", lambda: world.says(world.active, "vip4 is down or missing"),
         GENEROUS)
    assert not world.has_address(world.active, ADDRESS6)
    world.stays(world.standby)
    refused = world.poise.command(world.active, "takeover")
    assert refused.returncode == 1 and "cannot hold" in refused.stderr, refused
    world.judge([world.active, world.standby])


def test_when_both_are_unfit_one_holds_what_it_can(world):
    world.remove(world.active, "vip4")
    world.taken_over()
    world.remove(world.standby, "vip6")
    wait("both are unfit", lambda: not any(
        world.pair_status(node)["peer_fit"] for node in world.pair.nodes), GENEROUS)
    world.stays(world.standby)
    assert world.web() == "an answer of the pair\n"
    world.add(world.active, "vip4")
    wait("the one that is mended has both", lambda: all(
        world.has_address(world.active, each) for each in (ADDRESS, ADDRESS6)), GENEROUS)
    wait("the other one has let go", lambda: not world.has_address(world.standby), GENEROUS)
    assert world.web() == "an answer of the pair\n"
    world.stays(world.active)


def test_a_node_whose_kernel_refuses_is_replaced_and_mended_by_a_reload(world):
    off = "net.ipv6.conf.vip6.disable_ipv6"
    assert world.active.run(["sysctl", "-qw", f"{off}=1"]).returncode == 0
    world.taken_over()
    wait("the status tells why", lambda: world.says(world.active, "the kernel has refused"),
         GENEROUS)
    world.stays(world.standby)
    assert not world.pair_status(world.standby)["peer_fit"]
    assert world.active.run(["sysctl", "-qw", f"{off}=0"]).returncode == 0
    assert world.poise.command(world.active, "reload").returncode == 0
    wait("it counts again", lambda: world.pair_status(world.standby)["peer_fit"], GENEROUS)
    world.stays(world.standby)
    world.judge([world.active, world.standby])
