#!/usr/bin/python3
"""Asks the segment at 100 Hz who has each floating address, and records who answers.

The questions are ARP probes (RFC 5227) and, for IPv6, neighbour solicitations in the observer's
own name: nobody learns where the address is from them. The kernel answers and
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
ETH_P_ARP, ETH_P_IPV6 = 0x0806, 0x86dd
ICMPV6, SOLICITATION, ADVERTISEMENT = 58, 135, 136


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


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def solicitation(mac: bytes, own: str, address: str) -> bytes:
    """RFC 4861, 4.3: to the address's multicast group, with our hardware address."""
    target, source = (socket.inet_pton(socket.AF_INET6, each) for each in (address, own))
    group = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:0")[:13] + target[13:]
    tail = bytes(4) + target + b"\x01\x01" + mac
    length = 4 + len(tail)
    pseudo = source + group + struct.pack("!II", length, ICMPV6)
    sums = checksum(pseudo + struct.pack("!BBH", SOLICITATION, 0, 0) + tail)
    return (b"\x33\x33" + group[12:] + mac + struct.pack("!HIHBB", ETH_P_IPV6, 6 << 28, length,
                                                        ICMPV6, 255)
            + source + group + struct.pack("!BBH", SOLICITATION, 0, sums) + tail)


def answer_in(data: bytes, mac: bytes) -> tuple[str, str] | None:
    """The address and the hardware address that a frame to the observer says it has."""
    if data[0:6] != mac:
        return None
    kind = data[12:14]
    if kind == b"\x08\x06" and len(data) >= 42 and data[20:22] == b"\x00\x02":
        return socket.inet_ntoa(data[28:32]), data[22:28].hex(":")
    if kind == b"\x86\xdd" and len(data) >= 78 and data[20] == ICMPV6 \
            and data[54] == ADVERTISEMENT:
        return socket.inet_ntop(socket.AF_INET6, data[62:78]), data[6:12].hex(":")
    return None


def own_ipv6(interface: str) -> str:
    """The first global one."""
    for line in Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines():
        digits, _, _, scope, _, name = line.split()
        if name == interface and scope == "00":
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))
    raise OSError(f"{interface} has no global IPv6 address")


class Observer:
    def __init__(self, interface: str, addresses: list[str]):
        self.socks = []
        for kind in (ETH_P_ARP, ETH_P_IPV6):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
            sock.bind((interface, kind))
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            sock.setblocking(False)
            self.socks.append(sock)
        self.mac = self.socks[0].getsockname()[4]
        self.probes = [solicitation(self.mac, own_ipv6(interface), each) if ":" in each
                       else probe(self.mac, each) for each in addresses]
        self.asked: list[float] = []
        self.answers: dict[str, list] = {address: [] for address in addresses}
        self.over = False

    def run(self) -> None:
        following = time.monotonic()
        while not self.over:
            self.asked.append(time.time())
            for packet in self.probes:
                try:
                    self.socks[0].send(packet)
                except OSError:
                    pass  # the observer's own link is never cut; a full queue is a lost question
            following = max(following + PERIOD, time.monotonic())
            while not self.over and (left := following - time.monotonic()) > 0:
                for sock in select.select(self.socks, [], [], left)[0]:
                    self.take(sock)

    def take(self, sock: socket.socket) -> None:
        data, control, _, _ = sock.recvmsg(128, 128)
        answer = answer_in(data, self.mac)
        stamps = [value for level, kind, value in control
                  if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS]
        if answer is None or answer[0] not in self.answers or not stamps:
            return
        seconds, nanoseconds = struct.unpack("@ll", stamps[0])
        known = all(self.answers.values())
        self.answers[answer[0]].append((seconds + nanoseconds / 1e9, answer[1]))
        if not known and all(self.answers.values()):
            print("recording", flush=True)


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
