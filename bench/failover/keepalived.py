"""keepalived as people set it up: one VRRP instance, the address, equal settings on both nodes."""

import os
import signal
import time

from .pair import ADDRESS, PREFIX, Pair, wait

CONF = """
global_defs {{ vrrp_version 3
  vrrp_garp_master_refresh 60 }}
vrrp_instance v {{
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority {priority}
  advert_int {interval}
  nopreempt
  virtual_ipaddress {{ {address}/{prefix} dev eth0 }}
}}
"""


class Keepalived:
    """`interval`: seconds between two adverts, 0.01 at least."""

    def __init__(self, interval: float):
        self.interval = interval
        self.name = f"keepalived {interval * 1000:g} ms"
        self.settle = 4 * interval + 1.0  # how long an owner is awaited at most, and then some

    def start(self, pair: Pair) -> None:
        self.pair, self.running = pair, {}
        for node, priority in zip(pair.nodes, (150, 100)):
            self.start_one(node, priority)
            if node is pair.one:
                wait("keepalived owns the address", lambda: pair.has_address(pair.one), 15)

    def start_one(self, node, priority: int) -> None:
        conf = self.pair.folder / f"keepalived-{node.role}.conf"
        conf.write_text(CONF.format(priority=priority, interval=self.interval, address=ADDRESS,
                                    prefix=PREFIX))
        pids = [str(self.pair.folder / f"{kind}-{node.role}.pid") for kind in "pr"]
        self.running[node.role] = self.pair.start(
            node, ["keepalived", "-n", "-l", "-P", "-f", str(conf), "-p", pids[0], "-r", pids[1]],
            "keepalived")

    def processes(self, node) -> list[int]:
        parent = self.running[node.role].pid
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as children:
            return [parent, *(int(pid) for pid in children.read().split())]

    def signal(self, node, number: int) -> None:
        for pid in self.processes(node):
            os.kill(pid, number)

    def kill(self, node) -> None:
        self.signal(node, signal.SIGKILL)

    def kill_all(self, node) -> None:
        self.kill(node)

    def freeze(self, node) -> None:
        self.signal(node, signal.SIGSTOP)

    def thaw(self, node) -> None:
        self.signal(node, signal.SIGCONT)

    def hand_over(self, node) -> None:
        """A planned switch-over: stop it, as operators do."""
        self.signal(node, signal.SIGTERM)
        time.sleep(0.01)
