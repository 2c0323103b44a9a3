"""The redundant pair: what clients notice of a failure, judged by an observer on the segment."""

import json
import os
import shutil
import socket
import time

import pytest

from lib.pair_world import ADDRESS, ADDRESS6, GENEROUS, World, at_work, wait

pytestmark = pytest.mark.alone


@pytest.fixture
def world(tmp_path):
    with at_work(World(tmp_path)) as made:
        yield made


def test_a_killed_node_is_replaced(world):
    world.poise.kill(world.active)
    world.taken_over()
    wait("the killed node has no address", lambda: not world.pair.has_address(world.active), 3)
    assert world.web() == "an answer of the pair\n"
    world.judge([world.active, world.standby])


def test_a_frozen_node_loses_the_addresses_and_does_not_come_back_for_them(world):
    world.poise.freeze(world.active)
    world.taken_over()
    wait("the frozen node has no address", lambda: not world.pair.has_address(world.active), 3)
    world.poise.thaw(world.active)
    time.sleep(2)
    assert world.pair.owner() is world.standby
    world.judge([world.active, world.standby])


def test_with_its_guardian_killed_too_the_lease_ends(world):
    world.poise.kill_all(world.active)
    world.taken_over()
    wait("the kernel has removed the address", lambda: not world.pair.has_address(world.active), 4)
    record, _ = world.pair.record()
    assert record.zero(ADDRESS, world.since) < GENEROUS
    assert world.pair.owner() is world.standby


def test_a_node_that_was_cut_off_comes_back_as_standby(world):
    world.active.plug(False)
    world.taken_over()
    world.active.plug(True)
    wait("one owner is left", lambda: world.pair.owner() is world.standby, GENEROUS)
    time.sleep(1.5)
    world.judge([world.active, world.standby])


def test_no_false_takeover_on_a_lossy_line(world):
    for node in world.pair.nodes:
        world.pair.lose(node, 30)
    time.sleep(6)
    world.judge([world.active], blackout=1.0)


def test_a_lost_gratuitous_arp_costs_no_more_than_a_moment(world):
    world.pair.lose_gratuitous(world.pair.client)
    world.active.plug(False)
    world.taken_over()
    time.sleep(2.5)
    _, felt = world.judge([world.active, world.standby])
    assert felt.blackout(world.since) < 3.0  # 36 s and more without confirmation


def test_a_planned_switch_over_loses_nothing(world):
    world.poise.hand_over(world.active)
    world.taken_over()
    time.sleep(1)
    _, felt = world.judge([world.active, world.standby])
    assert felt.lost(world.since) <= 5
    assert felt.connects_failed(world.since) == 0


def test_a_guardian_that_was_killed_has_a_successor(world):
    first = world.poise.guardian(world.active)
    assert first
    world.poise.running[world.active.role].node.run(["kill", "-9", str(first)])
    wait("another guardian", lambda: world.poise.guardian(world.active) not in (None, first), 10)
    time.sleep(0.5)
    world.poise.kill(world.active)
    world.taken_over()
    wait("it has taken the address away", lambda: not world.pair.has_address(world.active), 3)


def test_a_reload_keeps_the_addresses_and_takes_new_ones(world):
    config = world.poise.folder(world.standby) / "poise.yaml"
    config.write_text(config.read_text().replace("floating_ips:\n",
                                                 "floating_ips:\n- 10.77.0.101/24 dev eth0\n"))
    done = world.poise.command(world.standby, "reload")
    assert done.returncode == 0, done.stderr
    # The active node has got it from the other one.
    wait("the new address is there",
         lambda: world.pair.has_address(world.active, "10.77.0.101"), GENEROUS)
    world.judge([world.active])


def test_status_tells_both_nodes_of_the_pair_and_why_not(world):
    for node, other in ((world.active, world.standby), (world.standby, world.active)):
        wait("both have the same settings", lambda one=node: "same settings" in world.poise.command(
            one, "status").stdout, GENEROUS)
        assert other.role in world.poise.command(node, "status").stdout
    assert "changes of owner" in world.poise.command(world.active, "why").stdout
    refused = world.poise.command(world.active, "takeover")
    assert refused.returncode == 1 and "active already" in refused.stderr


def test_forged_beats_change_nothing_and_are_counted(world):
    target = (world.active.ip, 9694)
    header = b"PSHA\x01"
    beats = [b"", b"PSHA", os.urandom(200), header + b"\x02\x00\x00" + os.urandom(200),
             header + b"\x03\x00\x00" + os.urandom(200),
             header + b"\x01\x00\x00" + os.urandom(1400), b"PSHA\x63" + os.urandom(100)]
    sent = 0
    for node in (world.standby, world.pair.client):
        with node.inside():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        until = time.time() + 1.5
        while time.time() < until:
            for beat in beats:
                sender.sendto(beat, target)
            sent += len(beats)
        sender.close()
    status = json.loads(world.poise.command(world.active, "status", "--json").stdout)["pair"]
    assert status["state"] == "active" and status["peer_alive"]
    assert sum(status["refused"].values()) > 1000 and status["strangers"] > 1000, sent
    assert not status["key_problem"]
    world.judge([world.active], blackout=1.0)


def test_a_key_is_changed_without_a_change_of_owner(world):
    keys = [world.poise.folder(node) / "cluster.key" for node in world.pair.nodes]
    for step in ("--add-key", "--use-next", "--drop-old"):
        done = world.poise.keys(keys[0], step)
        assert done.returncode == 0, done.stderr
        shutil.copy2(keys[0], keys[1])
        for node in world.pair.nodes:
            assert world.poise.command(node, "reload").returncode == 0
    time.sleep(0.5)
    for node in world.pair.nodes:
        status = json.loads(world.poise.command(node, "status", "--json").stdout)["pair"]
        assert status["peer_alive"] and not status["key_problem"]
    world.judge([world.active])


def test_another_key_makes_no_second_owner_and_is_told(world):
    key = world.poise.folder(world.standby) / "cluster.key"
    key.write_text("a7" * 32 + "\n")
    assert world.poise.command(world.standby, "reload").returncode == 0
    wait("the standby says why it waits", lambda: "with another key" in world.poise.command(
        world.standby, "status").stdout, GENEROUS)
    assert world.pair.owner() is world.active
    world.judge([world.active])
