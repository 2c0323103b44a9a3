#!/usr/bin/python3
"""What both nodes offer on the floating address: a UDP and a TCP echo, whoever owns it now.

Run as a program: echo.py ADDRESS PORT, until it is killed."""

import asyncio
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.failover.priority import go_first, widen  # noqa: E402

IP_FREEBIND = 15


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


async def serve(reader, writer):
    try:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main() -> None:
    go_first()
    address, port = sys.argv[1], int(sys.argv[2])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    widen(sock)
    sock.bind((address, port))
    await asyncio.get_running_loop().create_datagram_endpoint(Datagrams, sock=sock)
    server = await asyncio.start_server(serve, "0.0.0.0", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
