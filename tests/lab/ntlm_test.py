"""NTLM and Negotiate authenticate a connection: no two clients may ever share one."""

import random
import socket
import threading
import time

import pytest

from lib.wire import Cut


class NtlmServer:
    """Like a Windows server: the third leg of the handshake makes the connection its user's. All
    may ask for /public, which tells whose connection it is.

    `status` 407 makes it a proxy, whose fields are others. With `lives` a connection takes that
    many requests at most, then ends: half of them say so in the last answer, the others do not.
    """

    def __init__(self, status: int = 401, lives: int | None = None):
        self.mixed = []  # requests that came over somebody else's connection
        self.users = []  # of each connection that has been somebody's, in order
        self.shared = 0  # connections that several clients used before they were somebody's
        self.status, self.lives = status, lives
        self.challenge, self.credentials = ("Proxy-Authenticate", "Proxy-Authorization") \
            if status == 407 else ("WWW-Authenticate", "Authorization")

    def __call__(self, wire):
        left = random.randint(3, self.lives) if self.lives else 1_000_000
        says_so = left % 2 == 0
        user, challenged, seen = None, False, set()
        while left > 0 and (request := wire.next_request()):
            left -= 1
            last = {"Connection": "close"} if left == 0 and says_so else {}
            me = request.get("X-Me")
            if request.target == "/public":
                if user is None:
                    seen.add(me)
                    self.shared += len(seen) == 2
                elif me != user:
                    self.mixed.append((user, me))
                wire.respond(200, (user or "nobody").encode(), **last)
                continue
            word = (request.get(self.credentials) or "").split()
            if user is None and len(word) == 2 and word[1].startswith("three:") and challenged:
                user = word[1][6:]
            elif user is None and len(word) == 2 and word[1].startswith("token:"):
                user = word[1][6:]  # Negotiate with a ticket: one leg
            elif user is None and word and word[1] == "one":
                challenged = True
                wire.respond(self.status, b"", **{self.challenge: f"{word[0]} challenge"}, **last)
                continue
            if user is None:
                wire.respond(self.status, b"", **{self.challenge: "NTLM"}, **last)
                continue
            if word:
                self.users.append(user)
            if me != user:
                self.mixed.append((user, me))
            wire.respond(200, user.encode(), **last)


def log_in(wire, me: str, scheme: str = "NTLM", status: int = 401) -> None:
    field = "Proxy_Authorization" if status == 407 else "Authorization"
    assert wire.ask("GET", "/", X_Me=me).status == status
    assert wire.ask("GET", "/", X_Me=me, **{field: f"{scheme} one"}).status == status
    answer = wire.ask("GET", "/", X_Me=me, **{field: f"{scheme} three:{me}"})
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


@pytest.mark.parametrize("status", [401, 407])
def test_sixty_four_clients_of_all_kinds_never_see_each_other(lab, status):
    """Over two workers' shared connections, while strangers keep them busy."""
    server = NtlmServer(status)
    lab.scripted(server)
    lab.balance("s1", health={"check": "none"})
    field = "Proxy_Authorization" if status == 407 else "Authorization"

    def work(wire, me):
        kind = int(me[4:]) % 4
        if kind == 0:  # never logs in
            for _ in range(60):
                assert wire.ask("GET", "/public", X_Me=me).body == b"nobody"
            assert wire.ask("GET", "/", X_Me=me).status == status
            return
        for _ in range(5 * kind):
            assert wire.ask("GET", "/public", X_Me=me).body == b"nobody"
        if kind == 1:  # with a ticket in its very first request
            assert wire.ask("GET", "/", X_Me=me, **{field: f"Negotiate token:{me}"}).status == 200
        else:
            log_in(wire, me, "Negotiate" if kind == 2 else "NTLM", status)
        for target in ("/", "/public") * 20:
            assert wire.ask("GET", target, X_Me=me).body == me.encode()

    assert run_clients(lab, 64, work) == []
    assert server.mixed == []
    assert server.shared > 0, "clients did share connections while they were nobody's"
    assert sorted(server.users) == sorted(f"user{n}" for n in range(64) if n % 4)


def test_connections_that_end_and_reloads_mix_nobody(lab):
    """Servers end connections at any point of the handshake and after it, requests are repeated,
    the configuration is loaded anew: a client may have to log in again, and that is all."""
    server = NtlmServer(lives=12)
    lab.scripted(server)
    poise = lab.balance("s1", health={"check": "none"}, retries=2,
                        settings={"node": {"workers": 1}})
    over, logins = threading.Event(), []

    def reload():
        while not over.wait(0.1):
            poise.write({"services": {"web": lab.service("s1", health={"check": "none"},
                                                         retries=random.randint(1, 3))}})
            poise.reload()

    def session(wire, me) -> None:
        if int(me[4:]) % 3 == 0:
            for _ in range(20):
                assert wire.ask("GET", "/public", X_Me=me).body == b"nobody"
            return
        assert wire.ask("GET", "/public", X_Me=me).body == b"nobody"
        for _ in range(10):
            answer = wire.ask("GET", "/", X_Me=me)
            if answer.status == 401:
                wire.ask("GET", "/", X_Me=me, Authorization="NTLM one")
                answer = wire.ask("GET", "/", X_Me=me, Authorization=f"NTLM three:{me}")
            if answer.status == 200:
                assert answer.body == me.encode()
                logins.append(me)

    def work(_wire, me):
        for _ in range(12):
            try:
                with lab.connect() as wire:
                    session(wire, me)
            except (Cut, OSError):
                pass  # the server's connection has ended, and this one with it

    reloads = threading.Thread(target=reload)
    reloads.start()
    wrong = run_clients(lab, 64, work)
    over.set()
    reloads.join(10)

    assert wrong == []
    assert server.mixed == []
    assert server.shared > 0
    assert len(logins) > 1000, "most requests did go through"
    assert set(logins) == {f"user{n}" for n in range(64) if n % 3}


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
