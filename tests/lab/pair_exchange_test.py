"""`poise pair offer` and `poise pair join`: the key by a short code, from one node to the other."""

import os
import pty
import re
import subprocess
import termios

import pytest

from lib.pair_world import GENEROUS, World, at_work
from bench.failover.pair import wait
from bench.failover.poise import KEY
from lib.programs import POISE, Program

PORT = 9695
OTHER_KEY = "77" * 32


class Operator:
    """The command on one node, at a terminal of its own."""

    def __init__(self, world, node, *words: str):
        folder = world.poise.folder(node)
        self.ours, theirs = pty.openpty()
        modes = termios.tcgetattr(theirs)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, modes)
        self.said = ""
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", node.name, POISE, "pair", *words, "--node",
             str(folder / "node.yaml"), "--config", str(folder / "poise.yaml")],
            stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        os.set_blocking(self.ours, False)

    def sees(self, text: str) -> str:
        """What it has said, once that matches `text`."""
        def look():
            try:
                self.said += os.read(self.ours, 65536).decode()
            except (BlockingIOError, OSError):
                pass
            return re.search(text, self.said)
        try:
            return wait(f"'{text}'", look, 20).group(0)
        except AssertionError as late:
            raise AssertionError(f"{late}; it said:\n{self.said}") from late

    def code(self) -> str:
        return self.sees(r"this node shows: \d{6}")[-6:]

    def types(self, line: str) -> None:
        os.write(self.ours, f"{line}\n".encode())

    def ends(self) -> int:
        try:
            return self.process.wait(20)
        finally:
            self.sees("")
            os.close(self.ours)


@pytest.fixture
def world(tmp_path):
    with at_work(World(tmp_path)) as made:
        yield made


def key_of(world, node):
    return world.poise.folder(node) / "cluster.key"


def with_another_key(world, node) -> None:
    """As a machine that is to replace a node: Poise runs there with a key of its own."""
    key_of(world, node).write_text(OTHER_KEY + "\n")
    assert world.poise.command(node, "reload").returncode == 0
    wait("the nodes do not understand each other", lambda: "another key" in world.poise.command(
        node, "status").stdout, GENEROUS)


def at_codes(world):
    """Both commands, beside the Poise that runs on each node, showing their codes."""
    offer = Operator(world, world.active, "offer")
    offer.sees("waiting at")
    join = Operator(world, world.standby, "join", world.active.ip)
    return offer, join, offer.code(), join.code()


def test_a_node_joins_by_two_codes_and_the_pair_talks(world):
    with_another_key(world, world.standby)
    offer, join, offered, joined = at_codes(world)
    offer.types(joined)
    join.types("nonsense")
    join.sees("six digits; once more")
    join.types(offered)
    for operator, question in ((offer, "Give the key"), (join, "Take the key")):
        operator.sees(question)
        assert all(node.role in operator.said for node in world.pair.nodes)
        assert "WILL BE OVERWRITTEN" in operator.said
        assert "both nodes have the same poise.yaml" in operator.said
    assert key_of(world, world.standby).read_text() == OTHER_KEY + "\n"
    join.types("yes")
    offer.types("yes")
    assert (offer.ends(), join.ends()) == (0, 0), offer.said + join.said
    assert key_of(world, world.standby).read_text() == KEY + "\n"
    assert key_of(world, world.standby).stat().st_mode & 0o777 == 0o600
    assert world.poise.command(world.standby, "reload").returncode == 0
    wait("the standby hears the active node", lambda: "standby" in world.poise.command(
        world.standby, "status").stdout and "round trip" in world.poise.command(
        world.active, "status").stdout, GENEROUS)
    world.judge([world.active])


@pytest.mark.parametrize("wrong_at", ("offer", "join"))
def test_a_wrong_code_writes_nothing_and_both_say_so(world, wrong_at):
    with_another_key(world, world.standby)
    offer, join, offered, joined = at_codes(world)
    typing, shown = (offer, joined) if wrong_at == "offer" else (join, offered)
    typing.types(f"{(int(shown) + 1) % 1_000_000:06}")
    assert (offer.ends(), join.ends()) == (1, 1), offer.said + join.said
    for operator in (offer, join):
        assert "nothing was written" in operator.said, operator.said
    assert key_of(world, world.active).read_text() == KEY + "\n"
    assert key_of(world, world.standby).read_text() == OTHER_KEY + "\n"


def test_a_script_hands_the_codes_over_and_strangers_are_told_apart(world):
    with_another_key(world, world.standby)
    at = f"{world.active.ip}:{PORT + 1}"
    folder = world.pair.folder
    files = {role: folder / f"code-of-{role}" for role in ("offer", "join")}

    def start(node, words: list[str], other: str) -> Program:
        mine = world.poise.folder(node)
        return world.pair.start(node, [POISE, "pair", *words, "--yes", "--code",
                                       str(files[other]), "--node", str(mine / "node.yaml"),
                                       "--config", str(mine / "poise.yaml")], words[0])

    offer = start(world.active, ["offer", "--listen", at], "join")
    wait("it waits", lambda: "waiting at" in offer.output(), GENEROUS)
    again = world.active.run([POISE, "pair", "offer", "--listen", at, "--key-file",
                              str(key_of(world, world.active))])
    assert again.returncode == 1 and "choose another" in again.stderr, again
    world.standby.run(["curl", "-s", "-m", "5", f"http://{at}/"])
    wait("the stranger is told", lambda: "does not speak" in offer.output(), GENEROUS)

    join = start(world.standby, ["join", at], "offer")
    for role, program in (("offer", offer), ("join", join)):
        shown = wait("a code", lambda one=program: re.search(r"shows: (\d{6})", one.output()), 20)
        files[role].write_text(shown.group(1) + "\n")
    for program in (offer, join):
        assert program.process.wait(20) == 0, offer.output() + join.output()
    assert key_of(world, world.standby).read_text() == KEY + "\n"
