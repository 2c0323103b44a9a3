"""max_connections: requests wait in turn, within limits of number and time."""

import threading
import time


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
