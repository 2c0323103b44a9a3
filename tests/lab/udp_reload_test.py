"""UDP through reloads and stops: sessions go on, sockets stay, answers on their way arrive."""

import signal
import time

from lib.datagrams import UdpClient
from lib.programs import wait_for


def test_sessions_live_through_reloads_and_the_socket_is_never_rebound(lab):
    server = lab.udp_server()
    poise = lab.balance_udp("s1")
    config = {"services": {"web": lab.udp_service("s1")}}
    clients = [lab.udp_client() for _ in range(5)]
    sockets = lab.lb.run(["ss", "-lunHe", "sport = :53"]).stdout
    for weight in range(1, 11):
        config["services"]["web"]["servers"][0]["weight"] = weight
        poise.write(config)
        assert poise.run("reload").returncode == 0
        assert [client.server() for client in clients] == ["s1"] * 5

    assert lab.lb.run(["ss", "-lunHe", "sport = :53"]).stdout == sockets
    assert len(server.sources()) == 5
    status = poise.status()
    assert (status["generation"], status["generations_ending"]) == (11, 0)
    assert poise.service("web")["sessions"] == 5


def test_sessions_of_a_removed_server_end_by_the_limit_and_new_ones_go_elsewhere(lab):
    for role in ("s1", "s2"):
        lab.udp_server(role)
    poise = lab.balance_udp("s1", "s2", timeouts={"drain": "1s"})
    clients = [lab.udp_client() for _ in range(4)]
    before = [client.server() for client in clients]
    assert set(before) == {"s1", "s2"}

    poise.write({"services": {"web": lab.udp_service("s2", timeouts={"drain": "1s"})}})
    assert poise.run("reload").returncode == 0

    assert [client.server() for client in clients] == before
    with lab.udp_client() as fresh:
        assert fresh.server() == "s2"
    time.sleep(1.3)
    assert [client.server() for client in clients] == ["s2"] * 4
    wait_for("the old generation ends",
             lambda: poise.status()["generations_ending"] == 0, 3)


def slow(data: bytes) -> list[bytes]:
    time.sleep(0.7)
    return [b"late"]


def remove(lab, poise):
    lab.origin("s1")
    poise.write({"services": {"other": lab.service("s1", listen=":80")}})
    assert poise.run("reload").returncode == 0


def test_a_removed_service_delivers_what_is_on_its_way_and_frees_its_address(lab):
    lab.udp_server(answers=slow)
    poise = lab.balance_udp("s1")
    with lab.udp_client() as client:
        client.send(b"?")
        time.sleep(0.2)
        remove(lab, poise)
        with lab.udp_client(timeout=0.2) as fresh:
            assert fresh.ask() is None
        assert client.receive() == b"late"
    wait_for("the socket closes",
             lambda: not lab.lb.run(["ss", "-lunH", "sport = :53"]).stdout, 5)


def test_a_service_that_comes_back_in_time_goes_on(lab):
    server = lab.udp_server()
    poise = lab.balance_udp("s1")
    clients = [lab.udp_client() for _ in range(6)]
    assert [client.server() for client in clients] == ["s1"] * 6

    remove(lab, poise)
    poise.write({"services": {"web": lab.udp_service("s1")}})
    assert poise.run("reload").returncode == 0

    assert [client.server() for client in clients] == ["s1"] * 6
    assert lab.udp_client().server() == "s1"
    wait_for("the old sockets close",
             lambda: len(lab.lb.run(["ss", "-lunH", "sport = :53"]).stdout.splitlines()) == 2, 8)
    assert [client.server() for client in clients] == ["s1"] * 6
    assert len(server.sources()) <= 2 * 6 + 2  # a client may have changed its worker, once


def test_no_datagram_is_lost_in_the_old_socket_of_a_service_that_comes_back(lab):
    lab.udp_server()
    poise = lab.balance_udp("s1")
    clients = [lab.udp_client(timeout=1) for _ in range(30)]
    assert [client.server() for client in clients] == ["s1"] * 30
    lab.origin("s1")
    ways = [{"other": lab.service("s1", listen=":80")}, {"web": lab.udp_service("s1")}]
    for _ in range(8):
        for services in ways:
            poise.write({"services": services})
            assert poise.run("reload").returncode == 0
        for client in clients:
            client.send(b"?")
        assert [client.receive() for client in clients] == [b"s1:?"] * 30


def test_a_stop_delivers_what_is_on_its_way_and_does_not_wait_for_quiet_clients(lab):
    lab.udp_server("s1", answers=slow)
    lab.udp_server("s2")
    poise = lab.serve({"services": {
        "slow": lab.udp_service("s1"),
        "quick": lab.udp_service("s2", listen=":54")}})
    with lab.udp_client() as waiting, UdpClient(lab.client, lab.lb.ip, 54) as quiet:
        assert quiet.server() == "s2"
        waiting.send(b"?")
        time.sleep(0.2)
        start = time.monotonic()
        poise.signal(signal.SIGTERM)
        assert waiting.receive() == b"late"
        assert poise.process.wait(10) == 0
        assert time.monotonic() - start < 4


def test_clients_that_never_stop_are_ended_by_the_drain_limit(lab):
    lab.udp_server()
    poise = lab.balance_udp("s1", timeouts={"drain": "1s"})
    start = None
    with lab.udp_client(timeout=0.3) as client:
        assert client.server() == "s1"
        poise.signal(signal.SIGTERM)
        start = time.monotonic()
        while poise.alive() and time.monotonic() - start < 6:
            client.ask()
            time.sleep(0.05)
    assert 0.7 < time.monotonic() - start < 3
    assert poise.process.wait(2) == 0


def test_a_tcp_service_may_become_one_of_datagrams(lab):
    lab.udp_server()
    lab.origin("s1", 53)
    poise = lab.serve({"services": {"web": lab.udp_service("s1", protocol="tcp")}}, port=53)
    poise.write({"services": {"web": lab.udp_service("s1")}})
    assert poise.run("reload").returncode == 0
    with lab.udp_client() as client:
        assert client.server() == "s1"
