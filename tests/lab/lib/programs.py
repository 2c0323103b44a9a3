"""Programs of the lab: Poise, the origin, wrk. Each is ended by its own id."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import yaml

from .network import Node

ROOT = Path(__file__).resolve().parents[3]
POISE = os.environ.get("POISE_BIN", str(ROOT / "build/release/poise"))
# How Poise is to hear of its sockets: auto, io_uring or epoll.
IO = os.environ.get("POISE_IO", "auto")
# The slave's of a pair: another version, to see that an upgrade of one node after the other works.
POISE_SLAVE = os.environ.get("POISE_SLAVE_BIN", POISE)
ORIGIN = os.environ.get("ORIGIN_BIN", str(ROOT / "build/release/bench/origin"))


def wait_for(what: str, check, seconds: float = 10.0):
    """Calls `check` until it returns something true; fails the test when it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := check():
            return result
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class Program:
    """A program that runs in a node until it is stopped."""

    def __init__(self, node: Node, command: list[str], log: Path, cwd: Path | None = None):
        self.node, self.command, self.log = node, command, log
        with node.inside(), log.open("ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, cwd=cwd)

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        if self.alive():
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.kill()

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def wait_listening(self, address: str, port: int) -> None:
        def check():
            assert self.alive(), f"{self.command} ended:\n{self.output()[-1500:]}"
            try:
                self.node.connect(address, port, timeout=1).close()
                return True
            except OSError:
                return False
        wait_for(f"{self.command[0]} listens on {address}:{port}", check)


class Poise(Program):
    """`poise serve` over a configuration given as plain values."""

    def __init__(self, node: Node, folder: Path, config: dict, settings: dict):
        self.folder = folder
        self.control = folder / "control.sock"
        self.write(config)
        own = {"workers": 2, "io": IO, "control": str(self.control)} | settings.pop("node", {})
        (folder / "node.yaml").write_text(yaml.safe_dump({"node": own} | settings))
        command = [POISE, "serve", "--config", "poise.yaml", "--node", "node.yaml"]
        super().__init__(node, command, folder / "poise.log", cwd=folder)

    def wait_listening(self, _address: str, _port: int) -> None:
        """By its own word: a connection to try would reach the servers, and be counted there."""
        def check():
            assert self.alive(), f"poise ended:\n{self.output()[-1500:]}"
            return "ready in " in self.output()
        wait_for("poise is ready", check)

    def write(self, config: dict | str) -> None:
        text = config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False)
        (self.folder / "poise.yaml").write_text(text)

    def reload(self) -> None:
        self.signal(signal.SIGHUP)

    def run(self, *words: str, timeout: float = 20):
        """A command of the same binary towards this balancer's control socket."""
        command = [POISE, *words, "--control", str(self.control)]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              check=False, cwd=self.folder)

    def status(self) -> dict:
        done = self.run("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def service(self, name: str) -> dict:
        """What the status says of one service."""
        return next(one for one in self.status()["services"] if one["name"] == name)

    def server(self, service: str, name: str) -> dict:
        """What the status says of one server."""
        for one in self.status()["services"]:
            if one["name"] == service:
                for server in one["servers"]:
                    if server["name"] == name:
                        return server
        raise AssertionError(f"{service}/{name} is not in the status")


class Origin(Program):
    """The origin of bench/origin."""

    def __init__(self, node: Node, folder: Path, port: int, name: str, address: str = "[::]"):
        super().__init__(node, [ORIGIN, "--listen", f"{address}:{port}", "--name", name],
                         folder / f"origin-{name}.log")
        self.port = port


class Wrk(Program):
    """A load that ends by itself; `result()` waits for it."""

    SCRIPT = """
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"bytes":%d,"failed":%d,"connect":%d,"read":%d,' ..
    '"write":%d,"status":%d,"timeout":%d,"p99_ms":%.2f,"max_ms":%.2f}\\n', summary.requests,
    summary.bytes, e.connect + e.read + e.write + e.status + e.timeout, e.connect, e.read, e.write,
    e.status, e.timeout, latency:percentile(99) / 1000, latency.max / 1000))
end
"""

    def __init__(self, node: Node, folder: Path, url: str, seconds: int, connections: int = 32,
                 timeout: int = 15):
        script = folder / "load.lua"
        script.write_text(self.SCRIPT)
        super().__init__(node, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout",
                                f"{timeout}s", "-s", str(script), url], folder / "wrk.log")
        self.limit = seconds + timeout + 15

    def result(self) -> dict:
        self.process.wait(self.limit)
        for line in self.output().splitlines():
            if line.startswith("RESULT "):
                return json.loads(line[len("RESULT "):])
        raise AssertionError(f"wrk gave no result:\n{self.output()}")
