"""max_connections: requests wait in turn, within limits of number and time."""

import threading
import time

import pytest


class Counted:
    """A server that takes a while and knows how many requests it had at once."""

    def __init__(self, seconds: float):
        self.seconds, self.now, self.most, self.lock = seconds, 0, 0, threading.Lock()

    def __call__(self, wire):
        while wire.next_request():
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(self.seconds)
            with self.lock:
                self.now -= 1
            wire.respond(200, b"ok")


def ask_many(lab, count: int) -> list[tuple[int, float]]:
    """Status and seconds of `count` requests that start together."""
    answers = []

    def one():
        start = time.monotonic()
        answers.append((lab.ask("/").status, time.monotonic() - start))
    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(answers) == count
    return answers


def test_requests_beyond_max_connections_wait_and_are_served(lab):
    server = Counted(0.15)
    lab.scripted(server)
    lab.balance({"role": "s1", "max_connections": 2}, health={"check": "none"})

    answers = ask_many(lab, 10)

    assert [status for status, _ in answers] == [200] * 10
    assert server.most == 2
    assert max(seconds for _, seconds in answers) > 0.6, "five turns of two"


def test_waiting_ends_by_its_limit_with_503(lab):
    lab.scripted(Counted(1.5))
    lab.balance({"role": "s1", "max_connections": 1}, health={"check": "none"},
                timeouts={"queue": "400ms"})

    answers = sorted(ask_many(lab, 4))

    assert [status for status, _ in answers] == [200, 503, 503, 503]
    assert all(0.3 < seconds < 1.2 for status, seconds in answers if status == 503)


def test_a_full_queue_answers_503_at_once(lab):
    lab.scripted(Counted(1.0))
    lab.balance({"role": "s1", "max_connections": 1}, health={"check": "none"},
                limits={"queue_length": 2}, settings={"node": {"workers": 1}})

    answers = ask_many(lab, 6)

    refused = [seconds for status, seconds in answers if status == 503]
    assert len(refused) == 3, answers
    assert max(refused) < 0.7


def test_who_waits_is_served_in_turn_across_a_reload(lab):
    server = Counted(0.3)
    lab.scripted(server)
    limited = {"role": "s1", "max_connections": 1}
    poise = lab.balance(limited, health={"check": "none"})
    answers = []
    waiting = threading.Thread(target=lambda: answers.extend(ask_many(lab, 5)))
    waiting.start()
    time.sleep(0.15)

    poise.write({"services": {"web": lab.service(limited, health={"check": "none"}, retries=0)}})
    assert poise.run("reload").returncode == 0
    later = ask_many(lab, 3)  # of the new configuration, behind the others
    waiting.join(20)

    assert [status for status, _ in answers + later] == [200] * 8
    assert server.most == 1
    assert max(seconds for _, seconds in answers + later) < 5, "8 turns of 0.3 s, no time-out"


def test_a_waiting_request_goes_out_over_a_kept_connection(lab):
    lab.origin("s1")
    lab.balance({"role": "s1", "max_connections": 1}, health={"check": "none"})

    assert [status for status, _ in ask_many(lab, 20)] == [200] * 20

    stats = lab.ask("/stats").body.decode()
    assert int(stats.split('"connections":')[1].split(",")[0].strip(" }")) <= 3, stats


def test_a_client_that_gives_up_leaves_the_queue(lab):
    server = Counted(0.5)
    lab.scripted(server)
    poise = lab.balance({"role": "s1", "max_connections": 1}, health={"check": "none"})
    first = lab.connect()
    first.request("GET", "/")
    time.sleep(0.1)
    gone = [lab.connect() for _ in range(10)]
    for wire in gone:
        wire.request("GET", "/")
    time.sleep(0.1)
    for wire in gone:
        wire.close()

    start = time.monotonic()
    assert lab.ask("/").status == 200
    assert time.monotonic() - start < 2, "ten turns of those that left would take five seconds"
    assert poise.alive()


def waits(lab, target, answers):
    """Asks in a thread of its own; the answer's seconds go to `answers`."""
    def one():
        start = time.monotonic()
        status = lab.ask(target).status
        answers.append((status, time.monotonic() - start))
    thread = threading.Thread(target=one)
    thread.start()
    time.sleep(0.15)
    return thread


@pytest.mark.parametrize("event", ["online", "reload", "limit"])
def test_who_waits_is_told_when_there_is_room_again(lab, event):
    lab.origin("s1")
    lab.origin("s2")
    one, two = ({"role": role, "max_connections": 1} for role in ("s1", "s2"))
    none = {"health": {"check": "none"}}
    poise = lab.balance(*([one] if event == "reload" else [one, two]), **none)
    if event in ("online", "limit"):
        assert poise.run("drain", "web/s2").returncode == 0
    answers = []
    threads = [waits(lab, "/delay/3000", answers), waits(lab, "/name", answers)]

    if event == "online":
        assert poise.run("online", "web/s2").returncode == 0
    else:
        servers = [one, two] if event == "reload" else [one | {"max_connections": 5}, two]
        poise.write({"services": {"web": lab.service(*servers, **none)}})
        assert poise.run("reload").returncode == 0
    threads.append(waits(lab, "/name", answers))

    for thread in threads:
        thread.join(10)
    quick = sorted(seconds for _, seconds in answers)[:2]
    assert [status for status, _ in answers] == [200] * 3
    if event != "online":
        # The first waits under the old configuration, which knows one place only; those behind
        # it must not wait with it.
        quick = quick[:1]
    assert max(quick) < 1.5, answers


def test_a_client_waits_for_its_own_server_and_holds_up_nobody(lab):
    lab.origin("s1")
    lab.origin("s2")
    lab.balance(*({"role": role, "max_connections": 1} for role in ("s1", "s2")),
                health={"check": "none"}, persistence={"method": "cookie"})
    first = lab.ask("/name")
    cookie, mine = first.get("Set-Cookie").split(";")[0], first.body
    answers = []
    busy = threading.Thread(target=lambda: lab.ask("/delay/1500", Cookie=cookie))
    busy.start()
    time.sleep(0.2)
    waiting = threading.Thread(target=lambda: answers.append(lab.ask("/name", Cookie=cookie)))
    waiting.start()
    time.sleep(0.1)

    start = time.monotonic()
    assert all(lab.ask("/name").body != mine for _ in range(5))
    assert time.monotonic() - start < 1, "the other server is free for others"
    busy.join(10)
    waiting.join(10)

    assert answers[0].body == mine
    assert answers[0].get("Set-Cookie") is None, "it is still its server"
