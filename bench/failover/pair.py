"""Two nodes, a client and an observer on one segment; what can happen to them, and the record."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))

from lib.network import Network, Node  # noqa: E402
from lib.programs import Program, wait_for  # noqa: E402

from .observer import Record  # noqa: E402
from .probes import Felt  # noqa: E402

HERE = Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
ADDRESS, PREFIX, PORT = "10.77.0.100", 24, 7
ADDRESS6 = "fd77::100"


@dataclass
class Figures:
    """One run: seconds, but for the counts."""

    answered: float      # the longest time in which nobody answered for the address
    blackout: float      # the longest time in which no datagram came back
    stall: float
    lost: int            # datagrams without an answer
    failed: int
    zero: float
    two: float
    changes: int
    slowest_connect: float


def figures_of(record: Record, felt: Felt, since: float) -> Figures:
    return Figures(record.blackout(ADDRESS, since), felt.blackout(since), felt.stall(since),
                   felt.lost(since), felt.connects_failed(since), record.zero(ADDRESS, since),
                   record.two(ADDRESS, since),
                   max(0, len(record.owners(ADDRESS, since - 0.5)) - 1),
                   felt.slowest_connect(since))


class Pair:
    """Made for one run, ended by end(). Nodes are `one` and `two`."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.network = Network()
        self.programs: list[Program] = []
        self.one, self.two = self.network.node("lb"), self.network.node("lb2")
        self.client, self.watch = self.network.node("client"), self.network.node("watch")
        for node in self.nodes:
            # The far end of the segment lives in the same kernel: no time is lost on duplicates.
            node.run(["sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0"])
            self.start(node, [PYTHON, str(HERE / "echo.py"), ADDRESS, str(PORT)], "echo")
        self.macs = {node.mac(): node for node in self.nodes}

    @property
    def nodes(self) -> tuple[Node, Node]:
        return self.one, self.two

    def other(self, node: Node) -> Node:
        return self.two if node is self.one else self.one

    def start(self, node: Node, command: list[str], name: str) -> Program:
        program = Program(node, command, self.folder / f"{name}-{node.role}.log")
        self.programs.append(program)
        return program

    def has_address(self, node: Node, address: str = ADDRESS) -> bool:
        return f" {address}/" in node.run(["ip", "-o", "addr", "show", "dev", "eth0"]).stdout

    def owner(self) -> Node | None:
        """The one node that has the address; None when none or both have it."""
        having = [node for node in self.nodes if self.has_address(node)]
        return having[0] if len(having) == 1 else None

    def watch_now(self, *addresses: str) -> None:
        """From now on the observer and the client's probes record."""
        self.observed, self.felt = self.folder / "observed.json", self.folder / "felt.json"
        self.recorders = [
            self.start(self.watch, [PYTHON, str(HERE / "observer.py"), "eth0", str(self.observed),
                                    *(addresses or (ADDRESS,))], "observer"),
            self.start(self.client, [PYTHON, str(HERE / "probes.py"), ADDRESS, str(PORT),
                                     str(self.felt)], "probes")]
        for program in self.recorders:
            wait_for("it records", lambda one=program: "recording" in one.output(), 20)
        time.sleep(0.6)

    def record(self) -> tuple[Record, Felt]:
        """Ends the recorders and reads what they have."""
        time.sleep(0.2)  # until they have asked several times who owns the addresses now
        for program in self.recorders:
            program.process.terminate()
        for program in self.recorders:
            program.process.wait(20)
        return Record.read(self.observed), Felt.read(self.felt)

    def figures(self, since: float) -> Figures:
        return figures_of(*self.record(), since)

    # What can happen.

    def lose(self, node: Node, percent: int) -> None:
        """Of what comes from the other node, this share is lost at random."""
        peer = self.other(node).ip
        self.nft(node, "add table inet lab; add chain inet lab in { type filter hook input "
                       f"priority 0; }}; add rule inet lab in ip saddr {peer} "
                       f"numgen random mod 100 < {percent} drop")

    def lose_in_bursts(self, node: Node, chance: int, burst: int) -> None:
        """Of what comes from the other node, one datagram in `chance` and the next `burst - 1`
        that come within 5 ms a datagram are lost; and once at the beginning what comes within this
        time, so that the line is known for one with bursts before two of them come in a row."""
        peer, lasts = self.other(node).ip, f"{5 * burst}ms"
        self.nft(node, f"add table inet lab; add set inet lab bad {{ type ipv4_addr; flags "
                       f"dynamic,timeout; timeout {lasts}; }}; "
                       "add chain inet lab in { type filter hook input priority 0; }; "
                       f"add rule inet lab in ip saddr {peer} ip saddr @bad drop; "
                       f"add element inet lab bad {{ {peer} }}")
        time.sleep(0.5)
        self.nft(node, f"add rule inet lab in ip saddr {peer} numgen random mod {chance} < 1 "
                       "add @bad { ip saddr } drop")

    def cut_between(self, node: Node, ways: str = "input output") -> None:
        """Nothing passes between both nodes in these ways, as `node` sees them; all else does."""
        peer = self.other(node).ip
        rules = "add table inet cut; "
        for way in ways.split():
            end = "saddr" if way == "input" else "daddr"
            rules += (f"add chain inet cut {way} {{ type filter hook {way} priority 0; }}; "
                      f"add rule inet cut {way} ip {end} {peer} drop; ")
        self.nft(node, rules)

    def join_again(self, node: Node) -> None:
        self.nft(node, "delete table inet cut")

    def lose_gratuitous(self, node: Node) -> None:
        """The node never hears an announcement that is made to all."""
        self.nft(node, "add table arp lab; add chain arp lab in { type filter hook input "
                       f"priority 0; }}; add rule arp lab in arp saddr ip {ADDRESS} "
                       f"arp daddr ip {ADDRESS} drop")

    @staticmethod
    def nft(node: Node, rules: str) -> None:
        done = node.run(["nft", rules])
        assert done.returncode == 0, done.stderr

    def end(self) -> None:
        for program in reversed(self.programs):
            if program.alive():
                program.kill()
        self.network.remove()


def wait(what: str, check, seconds: float):
    return wait_for(what, check, seconds)


def missing_tools(*tools: str) -> list[str]:
    return [tool for tool in ("ip", "nft", *tools) if shutil.which(tool) is None]


def version_of(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return ((done.stdout + done.stderr).splitlines() or ["?"])[0].strip()
