"""Machines as network namespaces on one bridge. Nothing of it touches the host's network."""

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
import threading
import time

PREFIX = "poiselab"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count()


def _ip(lines: list[str], inside: str | None = None) -> None:
    where = ["-n", inside] if inside else []
    subprocess.run(["ip", *where, "-batch", "-"], input="\n".join(lines) + "\n", text=True,
                   check=True, capture_output=True, timeout=20)


def remove_leftovers() -> None:
    """Deletes namespaces of lab processes that are gone (killed before they could clean up)."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, timeout=20,
                            check=False).stdout
    for line in listed.splitlines():
        name = line.split()[0]
        part = name.split("-")
        if part[0] == PREFIX and len(part) > 1 and not os.path.exists(f"/proc/{part[1]}"):
            subprocess.run(["ip", "netns", "del", name], check=False, timeout=20)


class Node:
    """One machine: a namespace with an IPv4 and an IPv6 address on the bridge."""

    def __init__(self, network: "Network", role: str, number: int):
        self.name = f"{network.name}-{role}"
        self.port = f"p{number}"  # the other end of its cable, in the hub
        self.hub = network.hub
        self.role = role
        self.ip = f"10.77.0.{number}"
        self.ip6 = f"fd77::{number}"
        hub = network.hub
        _ip([f"netns add {self.name}",
             f"link add eth0 netns {self.name} type veth peer name p{number} netns {hub}"])
        _ip(["link set lo up", "link set eth0 up", f"addr add {self.ip}/24 dev eth0",
             f"addr add {self.ip6}/64 dev eth0 nodad"], inside=self.name)
        _ip([f"link set p{number} master br0", f"link set p{number} up"], inside=hub)

    @contextlib.contextmanager
    def inside(self):
        """Sockets made and programs started in this block live in the namespace. Per thread."""
        back = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            self._enter(there)
            yield
        finally:
            self._enter(back)
            os.close(there)
            os.close(back)

    @staticmethod
    def _enter(descriptor: int) -> None:
        if _libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def run(self, command: list[str], timeout: float = 30, text: str | None = None):
        """Runs a program here to its end and returns it with its output."""
        with self.inside():
            return subprocess.run(command, input=text, capture_output=True, text=True,
                                  timeout=timeout, check=False)

    def connect(self, address: str, port: int, source: str | None = None,
                timeout: float = 10) -> socket.socket:
        with self.inside():
            where = (source, 0) if source else None
            return socket.create_connection((address, port), timeout=timeout,
                                            source_address=where)

    def listen(self, port: int, address: str = "::") -> socket.socket:
        with self.inside():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return socket.create_server((address, port), family=family, backlog=1024,
                                        dualstack_ipv6=address == "::")

    def settle(self) -> None:
        """Returns when the kernel has no address left to try out (DAD), nothing of the network
        changes by itself then: a browser that sees it change drops what it is loading."""
        for _ in range(500):
            if not self.run(["ip", "-6", "addr", "show", "tentative"]).stdout:
                return
            time.sleep(0.01)
        raise AssertionError(f"{self.name} still tries out addresses")

    def add_address(self, address: str) -> None:
        _ip([f"addr add {address}/24 dev eth0"], inside=self.name)

    def link(self, up: bool) -> None:
        _ip([f"link set eth0 {'up' if up else 'down'}"], inside=self.name)

    def plug(self, into_segment: bool) -> None:
        """False: nothing reaches it or leaves it any more, and its own link seems up."""
        where = "master br0" if into_segment else "nomaster"
        _ip([f"link set {self.port} {where}"], inside=self.hub)

    def mac(self) -> str:
        shown = self.run(["ip", "-o", "link", "show", "dev", "eth0"]).stdout
        return shown.split("link/ether ")[1].split()[0]

    def drop_everything(self) -> None:
        """From now on every packet to this machine is lost without a word."""
        rules = "add table inet lab; add chain inet lab in { type filter hook input priority 0; " \
                "policy drop; }"
        done = self.run(["nft", rules])
        assert done.returncode == 0, done.stderr

    def let_everything(self) -> None:
        self.run(["nft", "delete table inet lab"])


class Network:
    """The bridge and its nodes, made when first asked for."""

    numbers = {"client": 2, "lb": 10, "lb2": 11, "watch": 5,
               "s1": 21, "s2": 22, "s3": 23, "other": 3}

    def __init__(self):
        self.name = f"{PREFIX}-{os.getpid()}-{next(_serial)}"
        self.hub = f"{self.name}-hub"
        self.nodes: dict[str, Node] = {}
        _ip([f"netns add {self.hub}"])
        _ip(["link add br0 type bridge", "link set br0 up"], inside=self.hub)

    def node(self, role: str) -> Node:
        if role not in self.nodes:
            self.nodes[role] = Node(self, role, self.numbers[role])
        return self.nodes[role]

    def remove(self) -> None:
        for name in [node.name for node in self.nodes.values()] + [self.hub]:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True,
                           timeout=20)
