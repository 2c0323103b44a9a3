"""UDP: datagrams as they are, each client on its server, answers from where it asked."""

import socket
import time
from collections import Counter

import pytest

from lib.programs import wait_for


def test_answers_come_from_the_address_that_was_asked(lab):
    lab.udp_server()
    lab.lb.add_address("10.77.0.50")
    lab.balance_udp("s1")
    for address in (lab.lb.ip, "10.77.0.50", lab.lb.ip6):
        with lab.udp_client(address) as client:
            for _ in range(3):
                assert client.ask(b"x") == b"s1:x"
                assert client.answered_by == (address, 53)


@pytest.mark.parametrize("front", ["ip", "ip6"])
@pytest.mark.parametrize("behind", ["ip", "ip6"])
def test_every_mix_of_families_and_every_size_pass(lab, front, behind):
    lab.udp_server(answers=lambda data: [data])
    server = getattr(lab.node("s1"), behind)
    place = f"[{server}]:53" if ":" in server else f"{server}:53"
    ours = getattr(lab.lb, front)
    listen = f"[{ours}]:53" if ":" in ours else f"{ours}:53"
    lab.serve({"services": {"web": lab.udp_service() | {"servers": [place], "listen": listen}}})
    with lab.udp_client(ours) as client:
        for size in (0, 1, 1472, 1473, 9000, 65_507):
            data = bytes(i * 7 % 256 for i in range(size))
            assert client.ask(data) == data, size
            assert client.answered_by == (ours, 53)


def test_a_client_stays_on_its_server_with_many_workers(lab):
    servers = [lab.udp_server(role) for role in ("s1", "s2")]
    poise = lab.balance_udp("s1", "s2", settings={"node": {"workers": 4}})
    clients = [lab.udp_client() for _ in range(30)]
    seen = [Counter(client.server() for _ in range(20)) for client in clients]

    assert all(len(one) == 1 for one in seen), seen
    assert {next(iter(one)) for one in seen} == {"s1", "s2"}
    assert sum(len(server.sources()) for server in servers) == 30
    status = poise.service("web")
    assert (status["sessions"], status["datagrams_in"], status["datagrams_out"]) == (30, 600, 600)
    assert status["bytes_in"] == 600


def test_a_burst_of_one_client_keeps_its_order(lab):
    lab.udp_server(answers=lambda data: [data])
    lab.balance_udp("s1")
    with lab.udp_client() as client:
        for turn in range(20):
            for i in range(30):
                client.send(b"%d-%d" % (turn, i))
            got = [client.receive() for _ in range(30)]
            assert got == [b"%d-%d" % (turn, i) for i in range(30)]


def test_only_the_server_can_answer(lab):
    server = lab.udp_server()
    lab.balance_udp("s1")
    with lab.udp_client(timeout=0.4) as client:
        assert client.ask(b"x") == b"s1:x"
        upstream = next(iter(server.sources()))
        to = (upstream[0].removeprefix("::ffff:"), upstream[1])
        with lab.node("s2").inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("", 53))
            other.sendto(b"forged", to)
        assert client.receive() is None


def test_a_quiet_session_ends_and_the_next_datagram_begins_another(lab):
    server = lab.udp_server()
    poise = lab.balance_udp("s1", timeouts={"idle": "500ms"}, settings={"log": {"access": "all"}})
    with lab.udp_client() as client:
        assert client.server() == "s1"
        wait_for("the session ends", lambda: poise.service("web")["sessions"] == 0, 3)
        assert client.server() == "s1"
    assert len(server.sources()) == 2
    assert poise.server("web", "s1")["connections"] == 1
    wait_for("its line in the log", lambda: "datagrams_in=1 datagrams_out=1" in poise.output())


def test_traffic_of_either_side_keeps_a_session(lab):
    lab.udp_server()
    poise = lab.balance_udp("s1", timeouts={"idle": "700ms"})
    with lab.udp_client() as client:
        for _ in range(6):
            assert client.server() == "s1"
            time.sleep(0.3)
        assert poise.service("web")["connections"] == 1


def test_expected_replies_end_the_session(lab):
    servers = [lab.udp_server(role, answers=lambda data: [data + b"1", data + b"2"])
               for role in ("s1", "s2")]
    poise = lab.balance_udp("s1", "s2", expect_replies=2)
    with lab.udp_client() as client:
        for i in range(10):
            assert client.ask(b"%d-" % i) == b"%d-1" % i
            assert client.receive() == b"%d-2" % i
    assert [len(server.heard) for server in servers] == [5, 5]
    assert len(servers[0].sources()) == 5
    assert poise.service("web")["sessions"] == 0


def test_an_answer_that_never_comes_is_counted_and_harms_nobody(lab):
    lab.udp_server(answers=lambda data: [])
    poise = lab.balance_udp("s1", expect_replies=1, timeouts={"idle": "300ms"})
    for _ in range(10):
        with lab.udp_client(timeout=0.05) as client:
            assert client.ask() is None
    wait_for("the sessions end",
             lambda: poise.service("web")["failures"].get("response_timeout") == 10, 3)
    assert poise.server("web", "s1")["state"] == "up"
    assert "response_timeout" in poise.run("why").stdout


def test_one_way_services_pass_no_answer(lab):
    server = lab.udp_server()
    lab.balance_udp("s1", expect_replies=0)
    with lab.udp_client(timeout=0.3) as client:
        for _ in range(5):
            client.send(b"log line")
        assert client.receive() is None
    assert [data for data, _ in server.heard] == [b"log line"] * 5
    assert len(server.sources()) == 1


def test_tcp_and_udp_share_an_address(lab):
    lab.udp_server()
    lab.origin("s1", 80)
    lab.serve({"services": {"datagrams": lab.udp_service("s1"),
                            "web": lab.service("s1", listen=":53")}})
    with lab.udp_client() as client:
        assert client.server() == "s1"
    with lab.connect(port=53) as wire:
        assert wire.ask("GET", "/name").status == 200


def test_persistence_by_source_brings_every_port_of_a_client_to_one_server(lab):
    for role in ("s1", "s2"):
        lab.udp_server(role)
    lab.balance_udp("s1", "s2", persistence="source")
    seen = set()
    for _ in range(10):
        with lab.udp_client() as client:
            seen.add(client.server())
    assert len(seen) == 1
