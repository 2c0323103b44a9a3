"""The agent: a server says itself how much it wants."""

import pytest

from lib.programs import wait_for


class Agent:
    """Says its line to whoever connects."""

    def __init__(self):
        self.line = "100%\n"

    def __call__(self, wire):
        wire.send(self.line)


@pytest.fixture
def agent(lab):
    lab.origin("s1")
    lab.origin("s2")
    word = Agent()
    lab.scripted(word, "s1", port=3333)
    lab.scripted(Agent(), "s2", port=3333)
    lab.balance("s1", "s2", agent={"port": 3333, "interval": "200ms", "timeout": "500ms"},
                scheduler="wrr")
    return word


def state(lab) -> dict:
    return lab.poise.server("web", "s1")


def share(lab) -> int:
    """How many of 60 requests s1 gets."""
    return [lab.ask().body for _ in range(60)].count(b"s1\n")


def test_a_percentage_moves_the_share(lab, agent):
    agent.line = "25%\n"
    wait_for("the weight", lambda: state(lab)["weight"] == 25, 3)

    assert 6 <= share(lab) <= 18, "one in five"


def test_drain_and_back(lab, agent):
    agent.line = "drain\n"
    wait_for("drain", lambda: state(lab)["state"] == "drain", 3)
    assert share(lab) == 0

    agent.line = "ready 100%\n"
    wait_for("up", lambda: state(lab)["state"] == "up", 3)
    assert share(lab) > 20


def test_down_with_a_reason(lab, agent):
    agent.line = "down #backup is running\n"
    wait_for("down", lambda: state(lab)["state"] == "down", 3)
    assert "backup is running" in state(lab)["reason"]
    assert share(lab) == 0

    agent.line = "up\n"
    wait_for("up", lambda: state(lab)["state"] == "up", 3)


@pytest.mark.parametrize("line", ["", "\0\1\2\n", "a thousand\n", "-5%\n", "x" * 100_000])
def test_a_failed_agent_is_not_a_failed_server(lab, agent, line):
    agent.line = line
    before = state(lab)["weight"]

    seen = share(lab)

    assert state(lab)["state"] == "up"
    assert state(lab)["weight"] == before
    assert seen > 20
