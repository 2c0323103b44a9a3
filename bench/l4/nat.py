#!/usr/bin/env python3
"""NAT by Poise beside DNAT by nftables, in the same network and the same run. As root.

Datagrams: how many exchanges a second with 1 client and with many, each waiting for its answer, and
the time of one when nothing else runs. Bulk: one TCP connection to the server, as fast as it goes.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lab"))

from lib.network import Network, _ip  # noqa: E402

VIP, PORT, SERVER_PORT, BULK_PORT = "10.77.0.100", 53, 5353, 5354
WARM_UP_MAX = 30  # seconds until each flow has been seen many times
RULES = f"""table ip rival {{
chain in {{ type nat hook prerouting priority -100; policy accept;
ip daddr {VIP} udp dport {PORT} dnat to SERVER:{SERVER_PORT}
ip daddr {VIP} tcp dport {PORT} dnat to SERVER:{BULK_PORT}
}}
}}"""


def build() -> Network:
    """Client and server, each at the other end of a cable of the balancer's: no bridge between."""
    network = Network()
    client, lb, server = (network.node(role) for role in ("client", "lb", "s1"))
    server.ip = "10.78.0.21"
    for node in (client, lb, server):
        _ip(["link del eth0"], inside=node.name)
    for node, own in ((client, "eth0"), (server, "eth1")):
        _ip([f"link add eth0 netns {node.name} type veth peer name {own} netns {lb.name}"])
        _ip(["link set eth0 up", f"addr add {node.ip}/24 dev eth0"], inside=node.name)
        _ip([f"link set {own} up"], inside=lb.name)
    _ip([f"addr add {lb.ip}/24 dev eth0", f"addr add {VIP}/32 dev eth0",
         "addr add 10.78.0.1/24 dev eth1"], inside=lb.name)
    _ip(["route add default via 10.78.0.1"], inside=server.name)
    lb.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
    client.run(["sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535"])
    return network


def start(node, command: list[str], folder: str) -> subprocess.Popen:
    with node.inside():
        return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)


def datagrams(client, clients: int, window: int, seconds: int) -> str:
    done = client.run([str(ROOT / "build/release/bench/datagrams"), "load", "--to",
                       f"{VIP}:{PORT}", "--clients", str(clients), "--window", str(window),
                       "--seconds", str(seconds)], timeout=seconds + 30)
    return " ".join((done.stdout + done.stderr).split())


def bulk(network, seconds: int) -> float:
    """Gb/s that reach the server."""
    listener = network.nodes["s1"].listen(BULK_PORT, "0.0.0.0")
    total, buffer = [0], bytearray(1 << 20)

    def take() -> None:
        connection, _ = listener.accept()
        while count := connection.recv_into(buffer):
            total[0] += count

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    sender = network.nodes["client"].connect(VIP, PORT)
    data, begun = bytes(1 << 20), time.monotonic()
    while time.monotonic() < begun + seconds:
        sender.sendall(data)
    sender.shutdown(socket.SHUT_WR)
    thread.join(10)
    taken = time.monotonic() - begun
    sender.close()
    listener.close()
    return total[0] * 8 / taken / 1e9


def busy_seconds() -> float:
    """Of all cores, since the machine's start."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text()
                                                     .split("\n")[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def counted(server) -> int:
    """Datagrams that have reached the server, where its kernel drops them."""
    listed = server.run(["nft", "list", "table", "netdev", "sink"]).stdout
    return int(re.search(r"counter packets (\d+)", listed).group(1))


def packets(network, flows: int, senders: int, seconds: int) -> str:
    """One way, as fast as they go, each sender on a core; counted when all flows are known well."""
    client, lb, server = (network.nodes[role] for role in ("client", "lb", "s1"))
    sink = (f"table netdev sink {{ chain in {{ type filter hook ingress device eth0 priority 0; "
            f"udp dport {SERVER_PORT} counter drop\n}}\n}}")
    assert server.run(["nft", "-f", "-"], text=sink).returncode == 0
    mac = json.loads(lb.run(["ip", "-j", "link", "show", "eth0"]).stdout)[0]["address"]
    with client.inside():
        loads = [subprocess.Popen(
            ["taskset", "-c", str(core), str(ROOT / "build/release/bench/packets"), "eth0", mac,
             f"10.77.0.{200 + 2 * core}", VIP, str(PORT), str(flows // senders),
             str(WARM_UP_MAX + seconds + 5)], stdout=subprocess.DEVNULL) for core in range(senders)]
    end = time.monotonic() + WARM_UP_MAX
    while counted(server) < max(20 * flows, 50_000) and time.monotonic() < end:
        time.sleep(0.1)
    begun, busy, before = time.monotonic(), busy_seconds(), counted(server)
    time.sleep(seconds)
    taken, busy, passed = time.monotonic() - begun, busy_seconds() - busy, counted(server) - before
    for load in loads:
        load.terminate()
        load.wait(10)
    server.run(["nft", "delete table netdev sink"])
    return f"{passed / taken / 1e3:.0f} k/s, CPU {busy / max(passed, 1) * 1e9:.0f} ns each, in all"


def measure(network, seconds: int) -> None:
    client = network.nodes["client"]
    for flows, senders in ((1, 1), (50_000, 1), (2, 2)):
        print(f"    one way, {flows:>5} flows, {senders} sender{'s' * (senders > 1)}:",
              packets(network, flows, senders, seconds))
    for clients, window in ((1, 1), (1, 64), (1000, 8)):
        print(f"    {clients:>5} clients, window {window:>2}:",
              datagrams(client, clients, window, seconds))
    print(f"    bulk: {bulk(network, seconds):.2f} Gb/s")


def by_poise(network, folder: str, seconds: int, threads: int, fast_path: str) -> None:
    server = network.nodes["s1"].ip
    Path(folder, "poise.yaml").write_text(f"""defaults: {{mode: nat, health: none}}
services:
  dns: {{protocol: udp, listen: "{VIP}:{PORT}", servers: ["{server}:{SERVER_PORT}"]}}
  bulk: {{protocol: tcp, listen: "{VIP}:{PORT}", servers: ["{server}:{BULK_PORT}"]}}
""")
    Path(folder, "node.yaml").write_text(
        f"node: {{workers: {threads}, fast_path: {fast_path}, control: {folder}/c.sock}}\n")
    poise = start(network.nodes["lb"], [str(ROOT / "build/release/poise"), "serve", "--config",
                                        "poise.yaml", "--node", "node.yaml"], folder)
    time.sleep(1.5)  # neighbours are found
    try:
        measure(network, seconds)
        ticks = Path(f"/proc/{poise.pid}/stat").read_text().rsplit(")", 1)[1].split()
        resident = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{poise.pid}/status").read_text())
        print(f"    CPU {(int(ticks[11]) + int(ticks[12])) / os.sysconf('SC_CLK_TCK'):.1f} s, "
              f"resident {int(resident.group(1)) / 1024:.0f} MiB")
    finally:
        poise.terminate()
        poise.wait(10)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=3, help="of each row")
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--threads", type=int, nargs="+", default=[1],
                         help="Poise's; several: one after the other in each round")
    options.add_argument("--fast-path", choices=("auto", "off"), default="auto")
    given = options.parse_args()
    network = build()
    try:
        with tempfile.TemporaryDirectory() as folder:
            server, lb = network.nodes["s1"], network.nodes["lb"]
            echo = start(server, [str(ROOT / "build/release/bench/datagrams"), "echo", "--listen",
                                  f"0.0.0.0:{SERVER_PORT}"], folder)
            try:
                for _ in range(given.rounds):
                    print("nftables DNAT")
                    done = lb.run(["nft", "-f", "-"], text=RULES.replace("SERVER", server.ip))
                    assert done.returncode == 0, done.stderr
                    measure(network, given.seconds)
                    lb.run(["nft", "delete table ip rival"])
                    for threads in given.threads:
                        print(f"Poise, mode nat, {threads} thread{'s' * (threads > 1)}")
                        by_poise(network, folder, given.seconds, threads, given.fast_path)
            finally:
                echo.terminate()
                echo.wait(10)
    finally:
        network.remove()


if __name__ == "__main__":
    main()
