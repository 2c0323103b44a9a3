"""Measuring programs go first: what they would be late, they would blame on what they measure."""

import contextlib
import os
import socket

BUFFER = 4 << 20
SO_RCVBUFFORCE = 33


def go_first() -> None:
    with contextlib.suppress(OSError):  # a container may not allow it
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(20))


def widen(sock: socket.socket) -> None:
    """A second of datagrams may wait."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
