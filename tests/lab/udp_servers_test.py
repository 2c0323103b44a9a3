"""UDP servers that die, refuse, drain or are full: clients go elsewhere, and it is told."""

import time

from lib.programs import wait_for


def silent_death(server):
    """The machine is there, and nothing listens: ICMP port unreachable."""
    server.stop()


def test_a_client_whose_server_has_gone_gets_another_with_its_next_datagram(lab):
    servers = {role: lab.udp_server(role) for role in ("s1", "s2")}
    poise = lab.balance_udp("s1", "s2", health={"check": "none", "passive": False})
    clients = [lab.udp_client() for _ in range(8)]
    before = [client.server() for client in clients]
    assert set(before) == {"s1", "s2"}

    silent_death(servers["s1"])
    for client in clients:
        client.send(b"lost with its server")
        client.receive(0.2)

    assert [client.server() for client in clients] == ["s2"] * 8
    status = poise.service("web")
    assert status["failures"]["port_unreachable"] == before.count("s1")
    assert status["retries"] == before.count("s1")
    told = poise.run("why").stdout
    assert "port_unreachable" in told and "s1" in told


def test_failures_of_real_traffic_take_a_server_down_and_it_comes_back(lab):
    lab.udp_server("s2")
    poise = lab.balance_udp("s1", "s2", health={"check": "none", "interval": "500ms",
                                                "passive_fall": 3, "rise": 1})
    for _ in range(12):
        with lab.udp_client(timeout=0.1) as client:
            client.ask()
    wait_for("s1 is down", lambda: poise.server("web", "s1")["state"] == "down", 3)
    wait_for("it is told", lambda: "port unreachable" in poise.output(), 2)

    lab.udp_server("s1")
    wait_for("s1 is tried again", lambda: poise.server("web", "s1")["state"] == "up", 5)
    seen = set()
    for _ in range(6):
        with lab.udp_client() as client:
            seen.add(client.server())
    assert seen == {"s1", "s2"}


def test_the_only_server_is_asked_again_when_it_is_back(lab):
    server = lab.udp_server()
    lab.balance_udp("s1", health={"check": "none", "passive": False})
    with lab.udp_client(timeout=0.3) as client:
        assert client.server() == "s1"
        silent_death(server)
        assert client.ask() is None
        server.start()
        wait_for("it answers", lambda: client.ask() is not None, 3)


def test_a_check_that_fails_moves_sessions_with_their_next_datagram(lab):
    for role in ("s1", "s2"):
        lab.udp_server(role)
    doors = {role: lab.scripted(role=role, port=81) for role in ("s1", "s2")}
    poise = lab.balance_udp("s1", "s2", health={"check": "tcp", "port": 81, "interval": "100ms",
                                                "timeout": "100ms", "fall": 2, "rise": 1})
    clients = [lab.udp_client() for _ in range(6)]
    assert {client.server() for client in clients} == {"s1", "s2"}

    doors["s1"].stop()
    wait_for("s1 is down", lambda: poise.server("web", "s1")["state"] == "down", 3)

    assert [client.server() for client in clients] == ["s2"] * 6  # none was lost
    assert poise.server("web", "s1")["connections"] == 0


def test_halt_ends_sessions_at_once_and_drain_lets_them_go_on(lab):
    for role in ("s1", "s2"):
        lab.udp_server(role)
    poise = lab.balance_udp("s1", "s2")
    clients = [lab.udp_client() for _ in range(6)]
    before = [client.server() for client in clients]

    assert poise.run("drain", "web/s1").returncode == 0
    assert [client.server() for client in clients] == before
    for _ in range(4):
        with lab.udp_client() as fresh:
            assert fresh.server() == "s2"

    assert poise.run("halt", "web/s1").returncode == 0
    wait_for("its sessions end", lambda: poise.server("web", "s1")["connections"] == 0, 2)
    assert [client.server() for client in clients] == ["s2"] * 6
    assert poise.service("web")["failures"]["server_halted"] == before.count("s1")


def test_max_connections_counts_sessions_and_a_datagram_does_not_wait(lab):
    lab.udp_server()
    poise = lab.balance_udp({"role": "s1", "max_connections": 2}, timeouts={"idle": "2s"})
    first, second, third = (lab.udp_client(timeout=0.3) for _ in range(3))
    assert (first.server(), second.server(), third.server()) == ("s1", "s1", None)
    assert poise.service("web")["failures"] == {"servers_full": 1}
    assert poise.server("web", "s1")["connections"] == 2
    assert first.server() == "s1"

    wait_for("there is room again", lambda: third.server() == "s1", 6)


def test_a_fallback_server_answers_when_no_other_can(lab):
    lab.udp_server("s2")
    poise = lab.balance_udp("s1", fallback=f"{lab.node('s2').ip}:53")
    assert poise.run("halt", "web/s1").returncode == 0
    with lab.udp_client() as client:
        assert client.server() == "s2"


def test_without_a_server_datagrams_are_dropped_and_counted(lab):
    lab.node("s1")
    poise = lab.balance_udp("s1")
    assert poise.run("halt", "web/s1").returncode == 0
    with lab.udp_client(timeout=0.1) as client:
        assert [client.ask() for _ in range(3)] == [None] * 3
    status = poise.service("web")
    assert (status["failures"], status["sessions"]) == ({"no_server": 3}, 0)


def test_a_machine_that_is_silent_is_found_by_its_dns_check(lab):
    """A packet filter that drops: no ICMP, so only the check can tell."""
    servers = {role: lab.udp_server(role) for role in ("s1", "s2")}
    for server in servers.values():
        server.answers = lambda data, name=server.node.role.encode(): [
            data[:2] + b"\x81\x80" + data[4:] if len(data) > 12 else name + b":"]
    poise = lab.balance_udp("s1", "s2", health={"check": "dns", "query": "example.com", "fall": 2,
                                                "interval": "200ms", "timeout": "200ms"})
    clients = [lab.udp_client(timeout=0.3) for _ in range(4)]
    assert {client.server() for client in clients} == {"s1", "s2"}

    servers["s1"].node.drop_everything()
    wait_for("s1 is down", lambda: poise.server("web", "s1")["state"] == "down", 5)
    start = time.monotonic()
    assert [client.server() for client in clients] == ["s2"] * 4
    assert time.monotonic() - start < 1
