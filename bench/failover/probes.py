#!/usr/bin/python3
"""What a client feels: a datagram each millisecond, a new connection each 50 ms, and one
connection that is never meant to end.

Run as a program: probes.py ADDRESS PORT OUTPUT, until SIGTERM."""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.failover.priority import go_first, widen  # noqa: E402

DATAGRAM_PERIOD = 0.001
CONNECT_PERIOD = 0.05
CONNECT_LIMIT = 3.0
FLOW_PERIOD = 0.01


class Felt:
    """The record of a run. All figures are seconds, after `since`."""

    def __init__(self, data: dict):
        self.sent, self.heard = data["sent"], {int(key) for key in data["heard"]}
        self.connects, self.echoes, self.cuts = data["connects"], data["echoes"], data["cuts"]

    @classmethod
    def read(cls, path: Path) -> "Felt":
        return cls(json.loads(path.read_text()))

    def lost(self, since: float = 0.0) -> int:
        """Datagrams without an answer."""
        return sum(1 for number, at in enumerate(self.sent)
                   if at >= since and number not in self.heard)

    def blackout(self, since: float = 0.0) -> float:
        """The longest time in which no datagram was answered, however late."""
        longest, began = 0.0, None
        for number, at in enumerate(self.sent):
            if at < since:
                continue
            if number in self.heard:
                longest = max(longest, at - began) if began is not None else longest
                began = None
            elif began is None:
                began = at
        return max(longest, self.sent[-1] - began) if began is not None else longest

    def stall(self, since: float = 0.0) -> float:
        """The longest wait of the one connection for its next answer, reconnects included."""
        times = [at for at in self.echoes if at >= since]
        times = self.echoes[:len(self.echoes) - len(times)][-1:] + times
        end = self.sent[-1] if self.sent else 0.0
        return max((b - a for a, b in zip(times, times[1:] + [end])), default=0.0)

    def connects_failed(self, since: float = 0.0) -> int:
        return sum(1 for at, took in self.connects if at >= since and took is None)

    def slowest_connect(self, since: float = 0.0) -> float:
        return max((took for at, took in self.connects if at >= since and took is not None),
                   default=0.0)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self):
        self.heard: set[int] = set()

    def datagram_received(self, data, addr):
        if not self.heard:
            print("recording", flush=True)
        self.heard.add(int(data))

    def error_received(self, exc):
        pass  # no route, nobody there: a lost datagram


class Client:
    def __init__(self, address: str, port: int):
        self.to = (address, port)
        self.sent: list[float] = []
        self.connects: list = []
        self.echoes: list[float] = []
        self.cuts = 0

    async def datagrams(self) -> None:
        loop = asyncio.get_running_loop()
        transport, self.protocol = await loop.create_datagram_endpoint(
            Datagrams, local_addr=("0.0.0.0", 0))
        widen(transport.get_extra_info("socket"))
        following = loop.time()
        while True:
            transport.sendto(str(len(self.sent)).encode(), self.to)
            self.sent.append(time.time())
            following = max(following + DATAGRAM_PERIOD, loop.time() - 0.1)
            await asyncio.sleep(max(0.0, following - loop.time()))

    async def connect(self) -> None:
        began, row = time.time(), [time.time(), None]
        self.connects.append(row)
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(*self.to), CONNECT_LIMIT)
            row[1] = time.time() - began
            writer.close()
        except (OSError, asyncio.TimeoutError):
            pass
        except asyncio.CancelledError:  # the run is over before it was decided
            self.connects.remove(row)
            raise

    async def new_connections(self) -> None:
        running = set()
        while True:
            task = asyncio.create_task(self.connect())
            running.add(task)
            task.add_done_callback(running.discard)
            await asyncio.sleep(CONNECT_PERIOD)

    async def flow(self) -> None:
        while True:
            writer = None
            try:
                reader, writer = await asyncio.wait_for(asyncio.open_connection(*self.to), 10)
                while True:
                    writer.write(b"x")
                    if not await reader.read(1):
                        raise OSError("closed")
                    self.echoes.append(time.time())
                    await asyncio.sleep(FLOW_PERIOD)
            except (OSError, asyncio.TimeoutError):
                self.cuts += 1
            finally:
                if writer is not None:
                    writer.close()
            await asyncio.sleep(FLOW_PERIOD)

    async def run(self) -> dict:
        over = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
        tasks = [asyncio.create_task(one()) for one in
                 (self.datagrams, self.new_connections, self.flow)]
        await over.wait()
        tasks[0].cancel()
        tasks[1].cancel()
        await asyncio.sleep(0.2)  # the last answers
        for task in tasks:
            task.cancel()
        return {"sent": self.sent, "heard": sorted(self.protocol.heard),
                "connects": self.connects, "echoes": self.echoes, "cuts": self.cuts}


def main() -> None:
    address, port, output = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    go_first()
    result = asyncio.run(Client(address, port).run())
    Path(output).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
