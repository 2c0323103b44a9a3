"""A gateway as witness: who hears neither it nor the other node knows that the silence is his."""

import time

import pytest

from lib.network import _ip
from lib.pair_world import GENEROUS, World, at_work, wait

pytestmark = pytest.mark.alone


class Routed(World):
    """Both nodes have a default route through a gateway on the segment."""

    def begin(self):
        self.gateway = self.pair.network.node("other")
        for node in self.pair.nodes:
            _ip([f"route add default via {self.gateway.ip}"], inside=node.name)
        super().begin()
        for node in self.pair.nodes:
            self.gateway_seen(node, True)

    def gateway_seen(self, node, answers: bool) -> None:
        wait(f"{node.role} knows whether the gateway answers", lambda: self.pair_status(node)[
            "witnesses"] == [{"address": self.gateway.ip, "answers": answers}], 15)


@pytest.fixture
def world(tmp_path):
    with at_work(Routed(tmp_path)) as made:
        yield made


def test_a_standby_that_is_cut_off_claims_nothing(world):
    world.standby.plug(False)
    wait("it says why", lambda: world.says(world.standby, "may be cut off"), GENEROUS)
    refused = world.poise.command(world.standby, "takeover")
    assert refused.returncode == 1 and "--force" in refused.stderr
    time.sleep(2)
    assert not world.pair.has_address(world.standby)
    world.standby.plug(True)
    world.hears_again()
    time.sleep(1.5)
    assert world.pair_status(world.standby)["epoch"] <= world.pair_status(world.active)["epoch"]
    world.judge([world.active], blackout=0.5)


@pytest.mark.parametrize("how", ["cut off", "killed"])
def test_a_gateway_that_answers_delays_no_takeover(world, how):
    if how == "killed":
        world.poise.kill(world.active)
    else:
        world.active.plug(False)
    world.taken_over()
    time.sleep(1)
    world.judge([world.active, world.standby], blackout=0.5)


def test_a_gateway_that_was_gone_before_holds_nobody_back(world):
    world.gateway.plug(False)
    for node in world.pair.nodes:
        world.gateway_seen(node, False)
    world.active.plug(False)
    world.taken_over()
    time.sleep(1)
    world.judge([world.active, world.standby], blackout=0.5)
