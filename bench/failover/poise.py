"""The pair of Poise: two nodes that share a key, with their guardians."""

import os
import signal
import subprocess
from pathlib import Path

import yaml

from .pair import ADDRESS, ADDRESS6, PREFIX, Pair, wait
from lib.programs import IO, POISE, POISE_SLAVE

KEY = "5d" * 32
HEARTBEAT_PORT = 9694
WEB_PORT = 8080


class PoisePair:
    """`cluster`: further keys of the nodes' `cluster`. `workers`: of the master and the slave.
    Before start(), `services` may be changed:
    both nodes get the same, and so they do with `files`, texts by name in each node's folder."""

    name = "Poise"
    settle = 1.2  # until the loss is known: a hundred beats

    def __init__(self, **cluster):
        self.cluster = cluster
        self.workers = {"master": 1, "slave": 1}
        self.top: dict = {}
        self.services: dict = {}
        self.files: dict[str, str] = {}
        self.binaries: dict[str, str] = {}  # by the node's role in the network

    def start(self, pair: Pair) -> None:
        self.pair, self.running = pair, {}
        for node, role in zip(pair.nodes, ("master", "slave")):
            self.start_one(node, role)
            if node is pair.one:
                wait("Poise owns the address", lambda: pair.has_address(pair.one), 15)

    def folder(self, node) -> Path:
        return self.pair.folder / node.role

    def control(self, node) -> str:
        return str(self.folder(node) / "control.sock")

    def start_one(self, node, role: str) -> None:
        folder, peer = self.folder(node), self.pair.other(node)
        self.binaries[node.role] = binary = POISE_SLAVE if role == "slave" else POISE
        folder.mkdir(exist_ok=True)
        key = folder / "cluster.key"
        key.write_text(KEY + "\n")
        key.chmod(0o600)
        cluster = {"key_file": str(key), "bind": f"{node.ip}:{HEARTBEAT_PORT}",
                   "peers": [f"{peer.ip}:{HEARTBEAT_PORT}"], "role": role} | self.cluster
        (folder / "node.yaml").write_text(yaml.safe_dump({
            "node": {"name": node.role, "workers": self.workers[role], "io": IO,
                     "control": self.control(node)},
            "cluster": cluster}))
        # The same file on both nodes, as it would be.
        answer = self.pair.folder / "answer.txt"
        answer.write_text("an answer of the pair\n")
        web = {"listen": f"{ADDRESS}:{WEB_PORT}", "health": "none", "servers": ["127.0.0.1:9"],
               "fallback": {"status": 200, "body_file": str(answer)}}
        (folder / "poise.yaml").write_text(yaml.safe_dump({
            "floating_ips": [f"{ADDRESS}/{PREFIX} dev eth0", f"{ADDRESS6}/64 dev eth0"],
            "services": {"web": web} | self.services} | self.top, sort_keys=False))
        for name, text in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        state = folder / "state"
        state.mkdir(exist_ok=True)
        # env becomes Poise: the process is the one that is killed.
        self.running[node.role] = self.pair.start(
            node, ["env", f"STATE_DIRECTORY={state}", binary, "serve", "--config",
                   str(folder / "poise.yaml"), "--node", str(folder / "node.yaml")], "poise")

    def main(self, node) -> int:
        return self.running[node.role].pid

    def guardian(self, node) -> int | None:
        """The process that watches the main one: its only child."""
        tasks = Path(f"/proc/{self.main(node)}/task")
        pids = [int(pid) for task in tasks.iterdir()  # any thread may have started it
                for pid in (task / "children").read_text().split()]
        return pids[0] if pids else None

    def kill(self, node) -> None:
        os.kill(self.main(node), signal.SIGKILL)

    def kill_all(self, node) -> None:
        """The guardian as well: then only the lease is left."""
        for pid in (self.guardian(node), self.main(node)):
            if pid:
                os.kill(pid, signal.SIGKILL)

    def freeze(self, node) -> None:
        os.kill(self.main(node), signal.SIGSTOP)

    def thaw(self, node) -> None:
        os.kill(self.main(node), signal.SIGCONT)

    def command(self, node, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.binaries[node.role], *words, "--control", self.control(node)],
                              capture_output=True, text=True, timeout=20, check=False)

    def keys(self, path: Path, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([POISE, "pair", "--key-file", str(path), *words],
                              capture_output=True, text=True, timeout=20, check=False)

    def hand_over(self, node) -> None:
        done = self.command(node, "standby")
        assert done.returncode == 0, done.stderr

    def log(self, node) -> str:
        return self.running[node.role].output()
