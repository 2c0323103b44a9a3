"""NTLM and Negotiate authenticate a connection: no two clients may ever share one."""

import socket
import threading
import time

import pytest

from lib.wire import Cut


class NtlmServer:
    """Like a Windows server: the third leg of the handshake makes the connection its user's."""

    def __init__(self):
        self.mixed = []  # requests that came over somebody else's connection

    def __call__(self, wire):
        user, challenged = None, False
        while request := wire.next_request():
            word = (request.get("Authorization") or "").split()
            me = request.get("X-Me")
            if user is None and len(word) == 2 and word[1].startswith("three:") and challenged:
                user = word[1][6:]
            elif user is None and len(word) == 2 and word[1].startswith("token:"):
                user = word[1][6:]  # Negotiate with a ticket: one leg
            elif user is None and word and word[1] == "one":
                challenged = True
                wire.respond(401, b"", WWW_Authenticate=f"{word[0]} challenge")
                continue
            if user is None:
                wire.respond(401, b"", WWW_Authenticate="NTLM")
                continue
            if me != user:
                self.mixed.append((user, me))
            wire.respond(200, user.encode())


def log_in(wire, me: str, scheme: str = "NTLM") -> None:
    assert wire.ask("GET", "/", X_Me=me).status == 401
    assert wire.ask("GET", "/", X_Me=me, Authorization=f"{scheme} one").status == 401
    answer = wire.ask("GET", "/", X_Me=me, Authorization=f"{scheme} three:{me}")
    assert (answer.status, answer.body) == (200, me.encode())


def run_clients(lab, count: int, work) -> list:
    """`work(wire, name)` for `count` clients at once; returns what went wrong."""
    wrong = []

    def one(me):
        try:
            with lab.connect() as wire:
                work(wire, me)
        except (AssertionError, Cut, OSError) as error:
            wrong.append((me, repr(error)))
    threads = [threading.Thread(target=one, args=(f"user{n}",)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return wrong


def test_sixteen_ntlm_clients_never_share_a_connection(lab):
    server = NtlmServer()
    lab.scripted(server)
    lab.balance("s1", settings={"node": {"workers": 1}}, health={"check": "none"})

    def work(wire, me):
        log_in(wire, me)
        for _ in range(20):
            assert wire.ask("GET", "/", X_Me=me).body == me.encode()

    assert run_clients(lab, 16, work) == []
    assert server.mixed == []


def test_a_stranger_never_gets_an_authenticated_connection(lab):
    server = NtlmServer()
    lab.scripted(server)
    lab.balance("s1", settings={"node": {"workers": 1}}, health={"check": "none"})
    for turn in range(5):
        with lab.connect() as wire:
            log_in(wire, f"user{turn}")
            assert lab.ask("/", X_Me="stranger").status == 401
        assert lab.ask("/", X_Me="stranger").status == 401

    assert server.mixed == []


def test_pre_authenticated_clients_are_isolated_too(lab):
    """Negotiate in the first request and no 401 ever: the request alone must pin."""
    server = NtlmServer()
    lab.scripted(server)
    lab.balance("s1", settings={"node": {"workers": 1}}, health={"check": "none"})

    def work(wire, me):
        assert wire.ask("GET", "/", X_Me=me, Authorization=f"Negotiate token:{me}").status == 200
        for _ in range(10):
            assert wire.ask("GET", "/", X_Me=me).body == me.encode()

    assert run_clients(lab, 16, work) == []
    assert lab.ask("/", X_Me="stranger").status == 401
    assert server.mixed == []


def test_the_server_connection_ends_with_its_client(lab):
    server = lab.scripted(NtlmServer())
    lab.balance("s1", health={"check": "none"})
    wire = lab.connect()
    log_in(wire, "me")
    pinned = server.wires[-1]

    wire.close()

    assert pinned.sock.fileno() == -1 or pinned.ends_within(2)


def test_401s_are_no_failure_of_the_server(lab):
    lab.scripted(NtlmServer())
    poise = lab.balance("s1", health={"check": "tcp", "interval": "10s", "passive_fall": 2})

    for _ in range(20):
        assert lab.ask("/").status == 401

    assert poise.server("web", "s1")["state"] == "up"


def test_a_reload_keeps_who_has_logged_in(lab):
    server = NtlmServer()
    lab.scripted(server)
    poise = lab.balance("s1", health={"check": "none"})
    with lab.connect() as wire:
        log_in(wire, "me")
        for retries in (0, 1):
            poise.write({"services": {"web": lab.service("s1", health={"check": "none"},
                                                         retries=retries)}})
            assert poise.run("reload").returncode == 0
            assert wire.ask("GET", "/", X_Me="me").body == b"me"
    assert server.mixed == []


def test_a_request_to_another_pool_does_not_log_the_client_out(lab):
    lab.scripted(NtlmServer(), "s1")
    lab.origin("s2")
    web = lab.service("s1", health={"check": "none"},
                      rules=[{"match": {"path_prefix": "/name"}, "use": "static"}])
    static = lab.service("s2")
    del static["listen"]
    lab.serve({"services": {"web": web, "static": static}})
    with lab.connect() as wire:
        log_in(wire, "me")
        for _ in range(3):
            assert wire.ask("GET", "/name").body == b"s2\n"
            assert wire.ask("GET", "/", X_Me="me").body == b"me"


@pytest.mark.parametrize("pause", [0.0, 0.5])  # soon, and when the client is parked
def test_the_client_connection_ends_with_the_server_s(lab, pause):
    server = lab.scripted(NtlmServer())
    lab.balance("s1", health={"check": "none"})
    wire = lab.connect()
    log_in(wire, "me")
    time.sleep(pause)

    server.wires[-1].sock.shutdown(socket.SHUT_RDWR)

    assert wire.ends_within(2)


def test_the_scheme_may_be_followed_by_a_tab(lab):
    server = NtlmServer()
    lab.scripted(server)
    lab.balance("s1", settings={"node": {"workers": 1}}, health={"check": "none"})
    with lab.connect() as wire:
        assert wire.ask("GET", "/", X_Me="me", Authorization="Negotiate\ttoken:me").status == 200
    assert lab.ask("/", X_Me="stranger").status == 401
    assert server.mixed == []
