"""Traffic of Exchange and SharePoint: channels that stay open for hours, polls, huge uploads.

Time is compressed: limits and waits are both small in proportion.
"""

import os
import queue
import threading
import time
from pathlib import Path

import pytest

from lib.programs import wait_for

GIB = 1 << 30
UPLOAD_GIB = float(os.environ.get("POISE_LAB_UPLOAD_GIB", "3"))  # 15 for the full promise
GROWTH_MB = 24
PROMPT = 0.05  # seconds that a piece may take through the balancer
ECHO = b"\xf8\xe8\x18\x08"  # the whole body of an RPC echo request


class Meeting:
    """A server that hands its connections' requests to the scenario: (wire, head), one by one."""

    def __init__(self, lab, role: str):
        self.arrived: queue.Queue = queue.Queue()
        self.over = threading.Event()
        lab.scripted(self._serve, role)

    def _serve(self, wire):
        self.arrived.put((wire, wire.head()))
        self.over.wait(30)  # the connection lives as long as the scenario needs it

    def next(self):
        return self.arrived.get(timeout=5)


def passes(piece: bytes, send, receive) -> float:
    """Seconds from sending `piece` until all of it has been received."""
    began = time.monotonic()
    send(piece)
    assert receive(len(piece)) == piece
    return time.monotonic() - began


def open_channel(wire, method: str, length: int) -> None:
    wire.send(f"{method} /rpc/rpcproxy.dll?mail.lab:6002 HTTP/1.1\r\nHost: mail.lab\r\n"
              f"User-Agent: MSRPC\r\nAccept: application/rpc\r\nContent-Length: {length}\r\n\r\n")


@pytest.mark.parametrize("gib", [1, 2])
def test_both_rpc_channels_trickle_through_on_one_server(lab, gib):
    """IN declares up to 2 GiB and sends now and then; OUT's answer does the same."""
    servers = {role: Meeting(lab, role) for role in ("s1", "s2", "s3")}
    lab.balance(*servers, health={"check": "none"}, persistence="source", scheduler="rr",
                timeouts={"response": "400ms", "idle": "1s", "header": "1s"})
    wire_in, wire_out = lab.connect(), lab.connect()
    open_channel(wire_in, "RPC_IN_DATA", gib * GIB - 1)
    chosen = wait_for("the IN channel", lambda: next(
        (one for one in servers.values() if not one.arrived.empty()), None))
    server_in, head = chosen.next()
    assert (head.method, head.get("Content-Length")) == ("RPC_IN_DATA", str(gib * GIB - 1))
    open_channel(wire_out, "RPC_OUT_DATA", 76)
    wire_out.send(b"o" * 76)
    server_out, head = chosen.next()
    assert head.method == "RPC_OUT_DATA" and server_out.take(76) == b"o" * 76
    server_out.send(f"HTTP/1.1 200 Success\r\nContent-Length: {gib * GIB}\r\n"
                    "Content-Type: application/rpc\r\n\r\n")
    assert wire_out.head().get("Content-Length") == str(gib * GIB)

    slowest = 0.0
    for turn in range(8):  # 4 s: four times `idle`, ten times `response`
        piece = bytes([turn]) * (1 + 1000 * turn)
        slowest = max(slowest, passes(piece, wire_in.send, server_in.take),
                      passes(piece, server_out.send, wire_out.take))
        time.sleep(0.5)

    assert slowest < PROMPT
    for server in servers.values():
        server.over.set()


def test_an_early_answer_on_the_in_channel_does_not_end_it(lab):
    server = Meeting(lab, "s1")
    lab.balance("s1", health={"check": "none"}, timeouts={"idle": "1s"})
    wire = lab.connect()
    open_channel(wire, "RPC_IN_DATA", GIB)
    inside, _ = server.next()
    assert passes(b"first", wire.send, inside.take) < PROMPT
    inside.respond(200, b"early")
    assert wire.response("RPC_IN_DATA").body == b"early"
    for _ in range(4):
        assert passes(b"x" * 5000, wire.send, inside.take) < PROMPT
        time.sleep(0.4)
    server.over.set()


def test_echo_requests_of_four_bytes_are_answered_on_a_kept_connection(lab):
    def handler(wire):
        while request := wire.next_request():
            assert request.body == ECHO
            wire.respond(200, ECHO + b"\0" * 16, Content_Type="application/rpc")
    lab.scripted(handler)
    lab.balance("s1", health={"check": "none"})
    with lab.connect() as wire:
        for method in ("RPC_IN_DATA", "RPC_OUT_DATA") * 3:
            wire.send(f"{method} /rpc/rpcproxy.dll HTTP/1.1\r\nHost: lab\r\n"
                      "Content-Length: 4\r\n\r\n".encode() + ECHO)
            assert wire.response(method).body == ECHO + b"\0" * 16


def test_mapi_pending_chunks_pass_at_once(lab):
    """MAPI over HTTP says PENDING every 15 s while a request is worked on, for many minutes."""
    server = Meeting(lab, "s1")
    lab.balance("s1", health={"check": "none"},
                timeouts={"response": "600ms", "idle": "800ms"})
    wire = lab.connect()
    wire.request("POST", "/mapi/emsmdb/?MailboxId=1", b"x" * 500, X_RequestType="Execute",
                 Cookie="MapiContext=abc; MapiSequence=def")
    inside, head = server.next()
    assert inside.take(500) == b"x" * 500
    assert head.get("Cookie") == "MapiContext=abc; MapiSequence=def"
    inside.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-ResponseCode: 0\r\n"
                "Set-Cookie: MapiSequence=ghi; path=/mapi/emsmdb; secure; httponly\r\n\r\n")
    assert wire.head().all("Set-Cookie") == ["MapiSequence=ghi; path=/mapi/emsmdb; secure; "
                                             "httponly"]
    slowest = 0.0
    for word in (b"PROCESSING\r\n", *[b"PENDING\r\n"] * 6, b"DONE\r\nX-ElapsedTime: 1\r\n\r\n"):
        began = time.monotonic()
        inside.send(b"%x\r\n%s\r\n" % (len(word), word))
        assert wire.chunk() == word
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.5)
    inside.send("0\r\n\r\n")
    assert wire.chunk() == b""
    assert slowest < PROMPT
    server.over.set()


def test_half_an_hour_s_poll_outlives_all_other_limits(lab):
    """A second stands for a quarter of an hour: polls of 30 min, a limit of 65 min for their path
    and of 5 min for all others."""
    def handler(wire):
        while request := wire.next_request():
            time.sleep(2.0 if "ActiveSync" in request.target or "slow" in request.target else 0)
            wire.respond(200, b"changes")
    lab.scripted(handler)
    lab.balance("s1", health={"check": "none"}, timeouts={"response": "330ms", "idle": "330ms"},
                rules=[{"match": {"path_prefix": "/Microsoft-Server-ActiveSync"},
                        "timeouts": {"response": "4300ms", "idle": "4300ms"}}])
    wires = [lab.connect() for _ in range(300)]
    for wire in wires:
        wire.request("POST", "/Microsoft-Server-ActiveSync?Cmd=Ping", b"ping")
    assert lab.ask("/owa/slow").status == 504
    for wire in wires:
        assert wire.response("POST").body == b"changes"
    assert wires[0].ask("POST", "/Microsoft-Server-ActiveSync?Cmd=Ping", b"p").status == 200
    for wire in wires:
        wire.close()


def iis(lab, role: str, broken: set) -> None:
    """Answers with its role; in a directory that is in `broken` it is unwell."""
    def handler(wire):
        while request := wire.next_request():
            directory = request.target.split("/")[1].lower()
            well = directory not in broken and f"{role}/{directory}" not in broken
            if request.target.endswith("/healthcheck.htm"):
                wire.respond(200 if well else 503, b"200 OK")
            else:
                wire.respond(200 if well else 500, role.encode())
    lab.scripted(handler, role)


def test_an_exchange_directory_that_fails_leaves_only_its_own_pool(lab):
    broken: set = set()
    iis(lab, "s1", broken)
    iis(lab, "s2", broken)
    health = {"interval": "100ms", "timeout": "500ms", "fall": 2, "rise": 1}
    poise = lab.balance("s1", "s2", preset="exchange", health=health, scheduler="rr")

    def answered(target: str) -> set:
        return {lab.ask(target).body for _ in range(4)}
    paths = ["/owa/", "/EWS/Exchange.asmx", "/mapi/emsmdb/", "/Autodiscover/autodiscover.xml",
             "/ecp", "/oab/x", "/microsoft-server-activesync?Cmd=Ping"]
    wait_for("all pools up", lambda: all(
        server["state"] == "up" for one in poise.status()["services"] for server in one["servers"]))
    assert all(answered(path) == {b"s1", b"s2"} for path in paths)

    broken.add("s1/ews")
    wait_for("EWS of s1 to be down", lambda: poise.server("web-ews", "s1")["state"] == "down")

    for path in paths:
        assert answered(path) == ({b"s2"} if path.startswith("/EWS") else {b"s1", b"s2"}), path
    assert len(answered("/rpc/rpcproxy.dll?mail.lab:6002")) == 1, "a client's channels meet"
    counts = {one["name"]: one["requests"] for one in poise.status()["services"]}
    assert counts["web-owa"] == 8 and counts["web-ews"] == 8 and counts["web"] == 0


def test_a_huge_file_is_uploaded_in_constant_memory(lab):
    lab.origin("s1")
    poise = lab.balance("s1")
    size = int(UPLOAD_GIB * GIB)
    file = Path(lab.folder) / "huge"
    with file.open("wb") as made:
        made.truncate(size)  # sparse: it takes no room
    largest, over = [0.0], threading.Event()

    def watch():
        while not over.wait(0.05):
            largest[0] = max(largest[0], poise.rss_mb())
    before = poise.rss_mb()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = lab.client.run(["curl", "-sS", "-T", str(file), f"http://{lab.lb.ip}/echo"],
                              timeout=30 + 30 * UPLOAD_GIB)
    finally:
        over.set()
        watcher.join(5)
        file.unlink()

    assert f'"length":{size},' in done.stdout, done.stderr
    assert largest[0] - before < GROWTH_MB
    print(f"{size} bytes, resident {before:.1f} MB before, {largest[0]:.1f} MB at most")
