"""RDP: a client's first packet tells its server or its user, and nothing else gets through."""

import time

import pytest

from lib import rdp
from lib.programs import wait_for


def balance(lab, *servers, **service):
    settings = {"listen": f":{rdp.PORT}", "protocol": "rdp", "health": "none"} | service
    web = lab.service(*({"role": role, "port": rdp.PORT} for role in servers or ("s1", "s2")),
                      **settings)
    return lab.serve({"services": {"desks": web}}, rdp.PORT)


def desks(lab, *roles) -> None:
    """Servers that confirm and say who they are."""
    def handler_of(role):
        def handler(wire):
            head = wire.take(4)
            wire.take(int.from_bytes(head[2:], "big") - 4)
            wire.send(rdp.CONFIRM + role.encode())
            wire.ends_within(20)
        return handler
    for role in roles or ("s1", "s2"):
        lab.scripted(handler_of(role), role, rdp.PORT)


def open_desk(lab, line: str = "", cut: int | None = None, **more):
    wire = lab.connect(port=rdp.PORT, **more)
    packet = rdp.request(line)
    wire.send(packet[:cut])
    if cut is not None:
        time.sleep(0.1)
        wire.send(packet[cut:])
    assert wire.take(len(rdp.CONFIRM)) == rdp.CONFIRM
    return wire


def server_of(lab, line: str = "", **more) -> str:
    with open_desk(lab, line, **more) as wire:
        return wire.take(2).decode()


def failures(poise) -> dict:
    return poise.status()["services"][0]["failures"]


def test_a_real_client_gets_its_session_and_a_token_its_server(lab):
    if tool := rdp.missing_tool():
        pytest.skip(f"'{tool}' is missing (./dev deps)")
    servers = {role: lab.keep(rdp.Xrdp(lab.node(role), lab.folder)) for role in ("s1", "s2")}
    for server in servers.values():
        server.wait_listening(server.node.ip, rdp.PORT)
    balance(lab, health={"check": "tcp"})

    for role in ("s2", "s2", "s1", "s2"):
        before = servers[role].sessions()
        rdp.connect(lab, "alice", f"/load-balance-info:{rdp.token(lab.node(role).ip)}")
        assert servers[role].sessions() == before + 1
    before = [server.sessions() for server in servers.values()]
    for _ in range(3):  # without a token: by the user's name
        rdp.connect(lab, "bob")
    new = [server.sessions() - had for server, had in zip(servers.values(), before)]
    assert sorted(new) == [0, 3]


def test_tokens_name_the_server_whatever_the_scheduler_would_do(lab):
    desks(lab)
    balance(lab, scheduler="rr")
    for role in ("s1", "s2", "s2", "s2", "s1"):
        for cut in (None, 1, 4, 5, 20):
            assert server_of(lab, rdp.token(lab.node(role).ip, rdp.PORT), cut=cut) == role


def test_tokens_of_servers_that_are_down_or_unknown_go_to_another(lab):
    desks(lab, "s1")
    poise = balance(lab)
    assert server_of(lab, rdp.token("192.0.2.1")) == "s1"
    assert server_of(lab, rdp.token(lab.node("s1").ip, 3390)) == "s1"
    assert server_of(lab, rdp.token(lab.node("s2").ip)) == "s1", "it refuses"
    poise.run("halt", "desks/s2")
    assert server_of(lab, rdp.token(lab.node("s2").ip)) == "s1"


def test_a_user_comes_back_to_the_same_server(lab):
    desks(lab)
    poise = balance(lab)
    users = {f"user{n}": server_of(lab, f"Cookie: mstshash=user{n}") for n in range(8)}
    assert set(users.values()) == {"s1", "s2"}, "users spread"

    for _ in range(3):
        for user, role in users.items():
            assert server_of(lab, f"Cookie: mstshash={user}") == role
    for user, role in users.items():
        assert server_of(lab, f"Cookie: mstshash={user.upper()}") == role, "Windows' names"
    poise.reload()
    wait_for("the reload", lambda: poise.status()["generation"] == 2)
    assert {user: server_of(lab, f"Cookie: mstshash={user}") for user in users} == users
    poise.run("drain", "desks/s1")
    assert {server_of(lab, f"Cookie: mstshash={user}") for user in users} == {"s1", "s2"}
    poise.run("halt", "desks/s1")
    assert {server_of(lab, f"Cookie: mstshash={user}") for user in users} == {"s2"}


def test_without_persistence_nobody_is_tied_and_source_works_as_ever(lab):
    desks(lab)
    lab.client.add_address("10.77.0.100")
    balance(lab, scheduler="rr", persistence="none")
    line = rdp.token(lab.node("s1").ip)
    assert {server_of(lab, line) for _ in range(6)} == {"s1", "s2"}
    lab.poise.write({"services": {"desks": lab.service(
        {"role": "s1", "port": rdp.PORT}, {"role": "s2", "port": rdp.PORT}, scheduler="rr",
        listen=f":{rdp.PORT}", protocol="rdp", health="none", persistence="source")}})
    assert lab.poise.run("reload").returncode == 0
    assert len({server_of(lab) for _ in range(6)}) == 1
    assert len({server_of(lab, source="10.77.0.100") for _ in range(6)}) == 1


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\3\1\2\0\1", b"\0",
                                   b"\3\0\0\x0b\6\xd0\0\0\0\0\0", b"\3\0\xff\xff" + b"x" * 300])
def test_garbage_is_closed_with_a_reason_and_reaches_no_server(lab, first):
    server = lab.scripted(None, "s1", rdp.PORT)
    poise = balance(lab, "s1")
    wire = lab.connect(port=rdp.PORT)
    wire.send(first)

    assert wire.ends_within(2)
    wait_for("the count", lambda: failures(poise) == {"bad_first_packet": 1})
    assert server.connections == 0
    why = poise.run("why").stdout
    assert "bad_first_packet" in why and "first_packet" in why


def test_a_silent_client_is_timed_out_after_five_seconds(lab):
    server = lab.scripted(None, "s1", rdp.PORT)
    poise = balance(lab, "s1")
    silent, slow = lab.connect(port=rdp.PORT), lab.connect(port=rdp.PORT)
    slow.send(rdp.request("Cookie: mstshash=a")[:20])
    began = time.monotonic()
    lab.connect(port=rdp.PORT).close()  # another balancer's check: no failure

    assert silent.ends_within(7) and slow.ends_within(1)

    assert 4.9 < time.monotonic() - began < 6
    assert failures(poise) == {"first_packet_timeout": 2}
    assert server.connections == 0


def test_a_proxy_header_comes_first_in_and_out(lab):
    seen = []

    def handler(wire):
        seen.append(wire.line())
        seen.append(wire.take(len(rdp.request("Cookie: mstshash=a"))))
        wire.send(rdp.CONFIRM + b"s1")
        wire.ends_within(5)
    lab.scripted(handler, "s1", rdp.PORT)
    balance(lab, "s1", send_proxy="v1", trusted_proxies=[lab.client.ip],
            listen=[{"address": f":{rdp.PORT}", "proxy_protocol": True}])
    with lab.connect(port=rdp.PORT) as wire:
        wire.send(b"PROXY TCP4 192.0.2.7 198.51.100.1 1234 3389\r\n" +
                  rdp.request("Cookie: mstshash=a"))
        assert wire.take(len(rdp.CONFIRM)) == rdp.CONFIRM
    assert seen == [b"PROXY TCP4 192.0.2.7 198.51.100.1 1234 3389",
                    rdp.request("Cookie: mstshash=a")]
