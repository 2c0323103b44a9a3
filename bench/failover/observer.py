#!/usr/bin/python3
"""Asks the segment at 100 Hz who has each floating address, and records who answers.

The questions are ARP probes (RFC 5227): nobody learns anything from them. The kernel answers and
stamps the time, so a busy machine moves no figure: a question has its answer within microseconds
or never. Run as a program in a node: observer.py INTERFACE OUTPUT ADDRESS..., until SIGTERM."""

import json
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.failover.priority import go_first  # noqa: E402

PERIOD = 0.01
SO_TIMESTAMPNS = 35
ETH_P_ARP = 0x0806


class Record:
    """What was asked and answered. All figures are seconds, of one address, after `since`."""

    def __init__(self, asked: list[float], answers: dict[str, list[tuple[float, str]]]):
        self.asked, self.answers = asked, answers

    @classmethod
    def read(cls, path: Path) -> "Record":
        data = json.loads(path.read_text())
        return cls(data["asked"], {key: [tuple(one) for one in rows]
                                   for key, rows in data["answers"].items()})

    def slots(self, address: str, since: float = 0.0) -> list[tuple[float, float, set[str]]]:
        """For each question: when it was asked, how long it stood for, and who answered."""
        rows, at = [], 0
        answers = sorted(self.answers.get(address, []))
        for now, following in zip(self.asked, self.asked[1:]):
            who = set()
            while at < len(answers) and answers[at][0] < following:
                if answers[at][0] >= now:
                    who.add(answers[at][1])
                at += 1
            if now >= since:
                rows.append((now, min(following - now, 2 * PERIOD), who))
        return rows

    def zero(self, address: str, since: float = 0.0) -> float:
        """How long nobody answered, in all."""
        return sum(length for _, length, who in self.slots(address, since) if not who)

    def two(self, address: str, since: float = 0.0) -> float:
        """How long more than one answered."""
        return sum(length for _, length, who in self.slots(address, since) if len(who) > 1)

    def blackout(self, address: str, since: float = 0.0) -> float:
        """The longest time without an answer."""
        longest, began = 0.0, None
        for now, length, who in self.slots(address, since):
            if who:
                began = None
                continue
            began = now if began is None else began
            longest = max(longest, now + length - began)
        return longest

    def owners(self, address: str, since: float = 0.0) -> list[str]:
        """Who owned it, in turn, as one after the other answered alone."""
        turns: list[str] = []
        for _, _, who in self.slots(address, since):
            if len(who) == 1 and (not turns or turns[-1] not in who):
                turns += who
        return turns


def probe(mac: bytes, address: str) -> bytes:
    return (b"\xff" * 6 + mac + struct.pack("!HHHBBH", ETH_P_ARP, 1, 0x0800, 6, 4, 1) + mac
            + bytes(4) + bytes(6) + socket.inet_aton(address))


class Observer:
    def __init__(self, interface: str, addresses: list[str]):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
        self.sock.bind((interface, ETH_P_ARP))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.setblocking(False)
        self.mac = self.sock.getsockname()[4]
        self.probes = [probe(self.mac, address) for address in addresses]
        self.known = {socket.inet_aton(address): address for address in addresses}
        self.asked: list[float] = []
        self.answers: dict[str, list] = {address: [] for address in addresses}
        self.over = False

    def run(self) -> None:
        following = time.monotonic()
        while not self.over:
            self.asked.append(time.time())
            for packet in self.probes:
                try:
                    self.sock.send(packet)
                except OSError:
                    pass  # the observer's own link is never cut; a full queue is a lost question
            following = max(following + PERIOD, time.monotonic())
            while not self.over and (left := following - time.monotonic()) > 0:
                if select.select([self.sock], [], [], left)[0]:
                    self.take()

    def take(self) -> None:
        data, control, _, _ = self.sock.recvmsg(128, 128)
        if len(data) < 42 or data[20:22] != b"\x00\x02" or data[0:6] != self.mac:
            return
        address = self.known.get(data[28:32])
        stamps = [value for level, kind, value in control
                  if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS]
        if address is None or not stamps:
            return
        seconds, nanoseconds = struct.unpack("@ll", stamps[0])
        if not self.answers[address]:
            print("recording", flush=True)
        self.answers[address].append((seconds + nanoseconds / 1e9, data[22:28].hex(":")))


def main() -> None:
    interface, output, *addresses = sys.argv[1:]
    go_first()
    observer = Observer(interface, addresses)

    def end(*_):
        observer.over = True
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    observer.run()
    Path(output).write_text(json.dumps({"asked": observer.asked, "answers": observer.answers}))


if __name__ == "__main__":
    main()
