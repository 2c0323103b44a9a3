"""Connections through layer 4 outlive the active node: the other one has their flows."""

import threading
import time

import pytest

from bench.failover.pair import ADDRESS, ADDRESS6, PREFIX, wait
from lib.layer4 import (INNER, INNER6, VIP, Caller, Echo, common, direct_server, many_addresses,
                        nat_server, wait_for_service)
from lib.network import _ip
from lib.pair_world import GENEROUS, World, at_work

assert VIP == ADDRESS  # the servers of mode dr have it on lo
PORT = 7007


class Layer4World(World):
    """A pair before two echo servers. To the helpers of layer 4 it is the lab."""

    def __init__(self, folder, mode: str):
        super().__init__(folder)
        self.mode, self.network, self.client = mode, self.pair.network, self.pair.client

    def node(self, role: str):
        return self.network.node(role)

    def begin(self):
        addresses = [f"{ADDRESS}/{PREFIX} dev eth0", f"{ADDRESS6}/64 dev eth0"]
        if self.mode == "nat":
            self.second_arms()
            addresses += [f"{INNER}/24 dev eth1", f"{INNER6}/64 dev eth1"]
        make = nat_server if self.mode == "nat" else direct_server
        servers = {role: make(self, role) for role in ("s1", "s2")}
        for role, node in servers.items():
            Echo(node, PORT, role)
        self.poise.top = {"floating_ips": addresses}
        # Only flows that were told of go on: packets of unknown ones are not let in.
        self.poise.services = {"echo": common(self.mode) | {
            "layer4": {"adopt": False},
            "listen": f"{ADDRESS}:{PORT}",
            "servers": [{"name": role, "address": f"{node.ip}:{PORT}" if self.mode == "nat"
                         else node.ip} for role, node in servers.items()]}}
        super().begin()
        wait_for_service(self, ADDRESS, PORT)

    def second_arms(self) -> None:
        """A bridge behind both nodes, whose addresses there are for health checks."""
        hub = self.network.hub
        _ip(["link add br1 type bridge", "link set br1 up"], inside=hub)
        for number, node in enumerate(self.pair.nodes, 2):
            _ip([f"link add q{number} type veth peer name eth1 netns {node.name}",
                 f"link set q{number} master br1", f"link set q{number} up"], inside=hub)
            _ip(["link set eth1 up", f"addr add 10.78.0.{number}/24 dev eth1",
                 f"addr add fd78::{number}/64 dev eth1 nodad"], inside=node.name)


class Download:
    """Says something and hears it again, without a pause, until it is stopped."""

    def __init__(self, caller: Caller):
        self.caller, self.rounds, self.error, self.go = caller, 0, "", True
        caller.socket.settimeout(20)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            while self.go:
                if not self.caller.says(bytes(range(256)) * 64):
                    self.error = "what came back was not what was said"
                    return
                self.rounds += 1
        except OSError as error:
            self.error = repr(error)

    def stop(self) -> None:
        self.go = False
        self.thread.join(30)
        assert not self.error


@pytest.mark.parametrize("mode", ["dr", "nat"])
@pytest.mark.parametrize("workers", [(1, 1), (3, 1), (3, 3)])
def test_a_download_and_an_idle_session_outlive_the_active_node(tmp_path, mode, workers):
    made = Layer4World(tmp_path, mode)
    made.poise.workers = dict(zip(("master", "slave"), workers))
    with at_work(made) as world:
        addresses = many_addresses(world.client, 6)
        idle = [Caller(world, ADDRESS, PORT, timeout=20, source=one) for one in addresses]
        assert {one.server for one in idle} == {"s1", "s2"}
        download = Download(Caller(world, ADDRESS, PORT))
        time.sleep(1.2)  # the other node is told within a moment
        before = download.rounds
        assert before > 0

        world.poise.kill(world.active)
        world.taken_over()

        wait("the download goes on", lambda: download.rounds > before + 20 or download.error,
             GENEROUS * 2)
        download.stop()
        assert all(one.says(b"still here") for one in idle)
        assert Caller(world, ADDRESS, PORT).says(b"new")
