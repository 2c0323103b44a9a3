"""A pair at work, what happened to it, and the row of figures that each scenario leaves."""

import contextlib
import json
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from bench.failover.pair import ADDRESS, ADDRESS6, Pair, figures_of, wait  # noqa: E402
from bench.failover.poise import WEB_PORT, PoisePair  # noqa: E402
from conftest import why_not  # noqa: E402

# What a busy machine may take; the figures themselves are bench.failover's to judge.
GENEROUS = 5.0


class World:
    """A pair at work: `active` and `standby`, and what both the observer and a client record.
    `row`: the figures of the scenario, once judge() was called."""

    def __init__(self, folder: Path):
        self.pair, self.poise = Pair(folder), PoisePair()
        self.row: dict | None = None

    def begin(self):
        self.poise.start(self.pair)
        self.active = wait("one node is active", self.pair.owner, 15)
        self.standby = self.pair.other(self.active)
        time.sleep(self.poise.settle)
        self.pair.watch_now(ADDRESS, ADDRESS6)
        self.since = time.time()

    def web(self) -> str:
        """What a client of the service on the floating address gets."""
        return self.pair.client.run(["curl", "-s", "-m", "5",
                                     f"http://{ADDRESS}:{WEB_PORT}/"]).stdout

    def taken_over(self) -> None:
        wait("the other node has the addresses", lambda: all(
            self.pair.has_address(self.standby, each) for each in (ADDRESS, ADDRESS6)), GENEROUS)

    def pair_status(self, node) -> dict:
        """What `node` says of the pair."""
        done = self.poise.command(node, "status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["pair"]

    def says(self, node, words: str) -> bool:
        return words in self.poise.command(node, "status").stdout

    def hears_again(self) -> None:
        """Both nodes hear each other."""
        for node in self.pair.nodes:
            wait(f"{node.role} hears the other node",
                 lambda one=node: self.pair_status(one)["peer_alive"], GENEROUS)

    def turns(self, record, address: str = ADDRESS) -> list:
        """The nodes that owned the address, in turn."""
        return [self.pair.macs[mac] for mac in record.owners(address, self.since - 0.5)]

    def judge(self, owners: list, blackout: float = GENEROUS, two: float = 0.1,
              two_since: float = 0.0):
        """`owners` in turn, and no more than these seconds without one and with two of them, the
        latter from `two_since` on. Of both addresses, IPv4 and IPv6."""
        record, felt = self.pair.record()
        since, two_since = self.since, max(two_since, self.since)
        self.row = asdict(figures_of(record, felt, since)) | {
            "two": max(record.two(each, two_since) for each in (ADDRESS, ADDRESS6)),
            "answered6": record.blackout(ADDRESS6, since)}
        for address in (ADDRESS, ADDRESS6):
            turns = self.turns(record, address)
            assert turns == owners, (address, [node.role for node in turns])
            assert record.two(address, two_since) <= two, address
            assert record.blackout(address, since) <= blackout, address
        return record, felt


@contextlib.contextmanager
def at_work(made: World):
    """The pair while it works; then what the nodes said is shown, and all of it goes."""
    if reason := why_not():
        pytest.skip(reason)
    try:
        made.begin()
        yield made
    finally:
        for node in made.pair.nodes:
            if node.role in getattr(made.poise, "running", {}):
                print(f"--- {node.role}\n{made.poise.log(node)[-3000:]}")
        made.pair.end()
        shutil.rmtree(made.pair.folder, ignore_errors=True)
