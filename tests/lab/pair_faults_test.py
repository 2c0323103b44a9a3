"""What else may happen to a pair: short freezes, one-way loss, partitions, a start at one time,
a third host with the address. Judged by an observer on the segment."""

import os
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from bench.failover.observer import probe
from lib.pair_world import ADDRESS, GENEROUS, World, at_work, wait

pytestmark = pytest.mark.alone

FREEZE = """
import os, signal, sys, time
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(30))
began = time.monotonic()
os.kill(int(sys.argv[1]), signal.SIGSTOP)
time.sleep(float(sys.argv[2]))
os.kill(int(sys.argv[1]), signal.SIGCONT)
print(time.monotonic() - began)
"""


@pytest.fixture
def world(tmp_path):
    with at_work(World(tmp_path)) as made:
        yield made


def freeze_for(world, seconds: float) -> float:
    """How long the active node's process was frozen, as a busy machine had it."""
    done = subprocess.run(["/usr/bin/python3", "-c", FREEZE, str(world.poise.main(world.active)),
                           str(seconds)], capture_output=True, text=True, timeout=20, check=True)
    return float(done.stdout)


def test_a_freeze_of_30_ms_moves_nothing(world):
    for _ in range(4):
        took = freeze_for(world, 0.03)
        time.sleep(0.5)
        if took > 0.038:
            pytest.skip(f"the machine is too busy: the freeze lasted {took * 1000:.0f} ms")
    world.judge([world.active])


@pytest.mark.parametrize("seconds", [0.08, 0.3])
def test_a_freeze_ends_with_one_owner_and_never_two_for_long(world, seconds):
    freeze_for(world, seconds)
    wait("both are of one mind", lambda: sorted(
        world.pair_status(node)["state"] for node in world.pair.nodes) == ["active", "standby"],
         GENEROUS)
    time.sleep(1.5)
    owner = world.pair.owner()
    world.judge([world.active] if owner is world.active else [world.active, world.standby])
    # Longer than the guardian waits: the frozen node cannot have kept the addresses.
    assert seconds < 0.2 or owner is world.standby


def test_a_node_that_does_not_hear_takes_over_and_the_other_makes_way(world):
    world.pair.cut_between(world.standby, "input")
    world.taken_over()
    wait("the former owner is told that it is not heard", lambda: world.says(
        world.active, "the other node does not hear this one"), GENEROUS)
    wait("the deaf one says so", lambda: world.says(world.standby, "is silent"), GENEROUS)
    world.pair.join_again(world.standby)
    world.hears_again()
    time.sleep(1)
    world.judge([world.active, world.standby])


def test_an_active_node_that_does_not_hear_keeps_the_addresses(world):
    world.pair.cut_between(world.active, "input")
    wait("the standby is told that it is not heard", lambda: world.says(
        world.standby, "the other node does not hear this one"), GENEROUS)
    wait("the active one says so", lambda: world.says(world.active, "is silent"), GENEROUS)
    refused = world.poise.command(world.standby, "takeover")
    assert refused.returncode == 1 and "--force" in refused.stderr
    world.pair.join_again(world.active)
    world.hears_again()
    world.judge([world.active])


@pytest.mark.parametrize("percent", [10, 30])
def test_loss_both_ways_moves_nothing(world, percent):
    for node in world.pair.nodes:
        world.pair.lose(node, percent)
    time.sleep(5)
    world.judge([world.active], blackout=1.0)


def test_bursts_of_loss_move_nothing(world):
    for node in world.pair.nodes:
        world.pair.lose_in_bursts(node, 25, 4)
    time.sleep(5)
    world.judge([world.active], blackout=1.0)


def test_after_a_partition_one_of_two_owners_is_left_at_once(world):
    world.pair.cut_between(world.standby)
    world.taken_over()
    time.sleep(1.5)
    assert world.pair.has_address(world.active)
    healed = time.time()
    world.pair.join_again(world.standby)
    wait("one owner is left", world.pair.owner, GENEROUS)
    time.sleep(1)
    assert world.pair.owner() is world.standby  # the higher epoch
    record, _ = world.judge([world.active, world.standby], two_since=healed)
    assert record.two(ADDRESS, world.since) > 1  # there was something to end


def test_nodes_that_start_at_one_time_never_both_own_the_addresses(world):
    for node in world.pair.nodes:
        world.poise.running[node.role].signal(signal.SIGTERM)
    for node in world.pair.nodes:
        world.poise.running[node.role].process.wait(15)
    assert world.pair.owner() is None
    world.since = time.time() + 0.6  # what was before is nobody's turn
    starts = [threading.Thread(target=world.poise.start_one, args=each)
              for each in zip(world.pair.nodes, ("master", "slave"))]
    for each in starts:
        each.start()
    for each in starts:
        each.join()
    owner = wait("one node is active", world.pair.owner, 15)
    world.hears_again()
    time.sleep(2)
    assert world.pair.owner() is owner
    world.judge([owner], blackout=15)


class Claimant(threading.Thread):
    """A third host that claims the floating address again and again, and counts its defences."""

    def __init__(self, node, owner_mac: str):
        super().__init__(daemon=True)
        with node.inside():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
            self.sock.bind(("eth0", 0x0806))
        self.mac = self.sock.getsockname()[4]
        self.owner, self.defences, self.claims, self.over = owner_mac, 0, 0, False

    def run(self) -> None:
        address = socket.inet_aton(ADDRESS)
        claim = bytearray(probe(self.mac, ADDRESS))
        claim[28:32] = address  # the sender's address: no question any more
        self.sock.settimeout(0.1)
        while not self.over:
            self.sock.send(bytes(claim))
            self.claims += 1
            until = time.monotonic() + 0.1
            while time.monotonic() < until:
                with_none = struct.pack("!6s4s", bytes.fromhex(self.owner.replace(":", "")),
                                        address)
                try:
                    frame = self.sock.recv(128)
                except TimeoutError:
                    break
                self.defences += frame[:6] == b"\xff" * 6 and frame[22:32] == with_none \
                    and frame[38:42] == address


def test_a_third_host_with_the_address_is_told_and_changes_no_owner(world):
    owner_mac = next(mac for mac, node in world.pair.macs.items() if node is world.active)
    third = Claimant(world.pair.network.node("other"), owner_mac)
    third.start()
    wait("its hardware address is told", lambda: world.says(world.active, third.mac.hex(":")),
         GENEROUS)
    time.sleep(3)
    third.over = True
    third.join(5)
    # RFC 5227, 2.4 c: one defence in ten seconds, beside the announcements that are due anyway.
    assert third.claims > 20 and 1 <= third.defences <= 6, (third.claims, third.defences)
    world.judge([world.active], blackout=1.0)
