"""Replication that is disturbed: a node killed in the middle of it, a disk that is full."""

import json
import random
import socket
import subprocess
import time

import pytest
import yaml

from lib.pair_world import GENEROUS, at_work, wait
from lib.programs import POISE
from pair_replication_test import Replicated, same_settings

PARTS, BODY_BYTES = 8, 60_000
LONG = 20.0  # a node starts, meets the other one, and both exchange what they have


class Disturbed(Replicated):
    """Its settings can be a generation: a text and files that belong together."""

    def write_generation(self, node, number: int) -> None:
        folder, config = self.poise.folder(node), self.config(node)
        made = yaml.safe_load(config.read_text())
        for part in range(PARTS):
            line = f"generation {number}\n"
            (folder / f"body{part}.txt").write_text(line * (BODY_BYTES // len(line)))
            made["services"][f"body{part}"] = {
                "listen": f"127.0.0.1:{8200 + part}", "health": "none", "servers": ["127.0.0.1:9"],
                "fallback": {"status": 200, "body_file": f"body{part}.txt"}}
        config.write_text(yaml.safe_dump(made, sort_keys=False) + f"# generation {number}\n")

    def generations(self, node) -> set[str]:
        """Those of the text and of each file; a mixture has more than one."""
        texts = [self.config(node), *(self.poise.folder(node) / f"body{part}.txt"
                                      for part in range(PARTS))]
        return {line.removeprefix("# ") for text in texts if text.exists()
                for line in text.read_text().splitlines() if "generation " in line}

    def start_again(self, node) -> None:
        self.poise.running[node.role] = self.pair.start(
            node, self.poise.running[node.role].command, "poise")

    def ask(self, node, command: str) -> dict:
        """As `poise COMMAND` asks it, but without a process that has to start first."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(GENEROUS)
            asked.connect(self.poise.control(node))
            asked.sendall(json.dumps({"command": command}).encode() + b"\n")
            with asked.makefile() as answer:
                return json.loads(answer.readline())

    def both_have(self, number: int) -> None:
        wait(f"both have generation {number}", lambda: same_settings(self, self.pair.nodes), LONG)
        for node in self.pair.nodes:
            assert self.generations(node) == {f"generation {number}"}, node.role


@pytest.mark.parametrize("role", ["active", "standby"])
def test_a_node_killed_in_mid_replication_leaves_no_mixture(tmp_path, role):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    draw = random.Random(seed)
    with at_work(Disturbed(tmp_path)) as world:
        writer, victim = world.active, getattr(world, role)
        for number in range(4):
            world.write_generation(writer, number)
            order = subprocess.Popen([POISE, "reload", "--control", world.poise.control(writer)],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(draw.uniform(0.0, 0.2))
            world.poise.kill(victim)
            world.poise.running[victim.role].process.wait(10)
            order.wait(20)
            survivor = world.pair.other(victim)
            wait("the survivor's are whole", lambda: len(world.generations(survivor)) <= 1, LONG)
            assert world.poise.command(survivor, "status").returncode == 0
            world.start_again(victim)
            world.both_have(number)


def test_a_full_disk_is_told_leaves_nothing_half_written_and_heals(tmp_path):
    world = Disturbed(tmp_path)
    folder = world.pair.folder / world.pair.two.role
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=320k", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, timeout=20)
    try:
        with at_work(world):
            full = world.standby
            before = {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()
                      and one.suffix in (".yaml", ".crt", ".key", ".txt")}
            world.write_generation(world.active, 1)
            assert world.poise.command(world.active, "reload").returncode == 0
            until = time.monotonic() + LONG
            while "No space left" not in json.dumps(world.ask(full, "status")):
                assert time.monotonic() < until, "it is told"
            refused = world.ask(full, "takeover")
            assert "not yet equal" in json.dumps(refused), refused
            assert {one: one.read_bytes() for one in before} == before
            assert world.generations(full) == set()
            assert world.poise.command(full, "takeover").returncode == 1

            subprocess.run(["mount", "-o", "remount,size=8m", str(folder)], check=True, timeout=20)
            assert world.poise.command(full, "settings", "--take").returncode == 0
            world.both_have(1)
            wait("it is told no more", lambda: not world.says(full, "No space left"), GENEROUS)
            world.take_over()
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, timeout=20)
