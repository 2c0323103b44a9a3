"""Networks of layer 4: one arm for direct routing, two arms for NAT."""

import socket
import threading
import time

import yaml

from .network import Node, _ip
from .programs import wait_for

VIP, VIP6 = "10.77.0.100", "fd77::100"
INNER, INNER6 = "10.78.0.1", "fd78::1"


def common(mode: str) -> dict:
    """What the services of these scenarios share."""
    return {"mode": mode, "protocol": "tcp", "scheduler": "rr",
            "health": {"check": "tcp", "interval": "200ms", "timeout": "200ms", "fall": 2,
                       "rise": 1}}


def many_addresses(node: Node, count: int) -> list[str]:
    """So many more addresses of the node's: it is as many clients."""
    made = [f"10.77.0.{150 + number}" for number in range(1, count + 1)]
    _ip([f"addr add {one}/24 dev eth0" for one in made], inside=node.name)
    return made


def add_vip(lab) -> None:
    """The virtual address on the balancer, which never speaks from it by itself."""
    _ip([f"addr add {VIP}/32 dev eth0",
         f"addr add {VIP6}/128 dev eth0 nodad preferred_lft 0"], inside=lab.lb.name)


def direct_server(lab, role: str) -> Node:
    """A real server of mode dr: the virtual address on lo, silent."""
    node = lab.node(role)
    done = node.run(["sh", "-c", "sysctl -qw net.ipv4.conf.all.arp_ignore=1 "
                     "net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.eth0.arp_ignore=1 "
                     "net.ipv4.conf.eth0.arp_announce=2"])
    assert done.returncode == 0, done.stderr
    _ip([f"addr add {VIP}/32 dev lo", f"addr add {VIP6}/128 dev lo nodad preferred_lft 0"],
        inside=node.name)
    return node


def second_arm(lab) -> None:
    """eth1 of the balancer and a bridge of its own behind it, for real servers of mode nat."""
    hub = lab.network.hub
    _ip(["link add br1 type bridge", "link set br1 up",
         f"link add q1 type veth peer name eth1 netns {lab.lb.name}",
         "link set q1 master br1", "link set q1 up"], inside=hub)
    _ip(["link set eth1 up", f"addr add {INNER}/24 dev eth1",
         f"addr add {INNER6}/64 dev eth1 nodad"], inside=lab.lb.name)


def nat_server(lab, role: str) -> Node:
    """A real server behind the second arm, whose way out is the balancer."""
    node = lab.node(role)
    number = node.ip.rsplit(".", 1)[1]
    _ip([f"link set p{number} master br1"], inside=lab.network.hub)
    node.ip, node.ip6 = f"10.78.0.{number}", f"fd78::{number}"
    _ip(["addr flush dev eth0", f"addr add {node.ip}/24 dev eth0",
         f"addr add {node.ip6}/64 dev eth0 nodad", f"route add default via {INNER}",
         f"route add default via {INNER6}"], inside=node.name)
    return node


class Echo:
    """A TCP server that says its name and who it sees, then echoes; one thread a connection."""

    def __init__(self, node: Node, port: int, name: str):
        self.name = name
        self.socket = node.listen(port)
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection, peer[0]), daemon=True).start()

    def _serve(self, connection: socket.socket, peer: str) -> None:
        try:
            connection.sendall(f"{self.name} {peer.removeprefix('::ffff:')}\n".encode())
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass

    def stop(self) -> None:
        self.socket.close()


class Caller:
    """A client's connection to an Echo, through the balancer."""

    def __init__(self, lab, to: str, port: int, timeout: float = 10, by: Node | None = None,
                 source: str | None = None):
        self.socket = (by or lab.client).connect(to, port, source, timeout)
        greeting = b""
        while not greeting.endswith(b"\n"):
            part = self.socket.recv(100)
            if not part:
                raise ConnectionError("closed before its greeting")
            greeting += part
        self.server, self.seen_as = greeting.decode().split()

    def says(self, data: bytes) -> bool:
        """Whether it comes back as it was sent."""
        self.socket.sendall(data)
        back = b""
        while len(back) < len(data):
            part = self.socket.recv(65536)
            if not part:
                return False
            back += part
        return back == data

    def is_reset(self, seconds: float = 10) -> bool:
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b"" and False
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        self.socket.close()


def reload_with_one(lab, service: str, server: str) -> None:
    """The service has this server alone from now on."""
    config = yaml.safe_load((lab.folder / "poise.yaml").read_text())
    servers = config["services"][service]["servers"]
    config["services"][service]["servers"] = [one for one in servers if one["name"] == server]
    lab.poise.write(config)
    lab.poise.reload()
    wait_for("the reload", lambda: lab.poise.status()["generation"] == 2)


def wait_for_service(lab, to: str, port: int, seconds: float = 15) -> None:
    """Until a connection through the balancer succeeds: servers are looked for first."""
    end = time.monotonic() + seconds
    while True:
        try:
            Caller(lab, to, port, timeout=2).close()
            return
        except OSError:
            assert time.monotonic() < end, f"no connection to {to} port {port}"
            time.sleep(0.05)
