"""Slow clients are ended by finite limits and never take others with them."""

import time

FAST = 1.5  # no request of others may take longer, in seconds


def test_slowloris_is_ended_and_leaves_others_unaffected(lab):
    lab.origin("s1")
    lab.balance("s1", timeouts={"header": "1s"})
    slow = [lab.connect() for _ in range(300)]
    for wire in slow:
        wire.send("GET / HTTP/1.1\r\nHost: lab\r\nX-A")
    load = lab.load(clients=8)

    for _ in range(8):  # a byte now and then must not help
        time.sleep(0.2)
        for wire in slow:
            try:
                wire.send("a")
            except OSError:
                pass

    assert all(wire.ends_within(2) for wire in slow)
    answered = [wire for wire in slow if wire.ahead.startswith(b"HTTP/1.1 408")]
    assert len(answered) > 250, slow[0].ahead
    load.finish(least=200).expect_no_failure(least=200)
    assert load.slowest < FAST


def test_a_stalled_body_is_ended_and_a_trickling_one_passes(lab):
    lab.origin("s1")
    lab.balance("s1", timeouts={"idle": "1s"})
    stalled = [lab.connect() for _ in range(50)]
    for wire in stalled:
        wire.send("POST /echo HTTP/1.1\r\nHost: lab\r\nContent-Length: 1000\r\n\r\nabc")
    trickling = lab.connect()
    trickling.send("POST /echo HTTP/1.1\r\nHost: lab\r\nContent-Length: 10\r\n\r\n")
    load = lab.load(clients=8)

    for _ in range(10):
        time.sleep(0.3)
        trickling.send("x")

    assert trickling.response().body.startswith(b'{"length":10,')
    assert all(wire.ends_within(1) for wire in stalled)
    load.finish(least=200).expect_no_failure(least=200)
    assert load.slowest < FAST


def test_a_slow_reader_costs_little_memory_and_is_ended(lab):
    lab.origin("s1")
    poise = lab.balance("s1", timeouts={"idle": "2s"})
    before = poise.rss_mb()
    readers = [lab.connect() for _ in range(40)]
    for wire in readers:
        wire.request("GET", "/bytes/100m")
    load = lab.load(clients=8)

    time.sleep(1.5)
    grown = poise.rss_mb() - before
    time.sleep(2.5)

    assert grown < 40, f"{grown} MB for 40 readers of 100 MB"
    load.finish(least=200).expect_no_failure(least=200)
    assert load.slowest < FAST
    left = [one for one in poise.status()["services"] if one["name"] == "web"][0]["sessions"]
    assert left == 0, "all readers and the load are gone"


def test_a_minimum_rate_ends_a_body_that_only_trickles(lab):
    lab.origin("s1")
    lab.balance("s1", timeouts={"idle": "2s", "min_rate": "1KiB"})
    wire = lab.connect()
    wire.send("POST /echo HTTP/1.1\r\nHost: lab\r\nContent-Length: 1000000\r\n\r\n")

    start = time.monotonic()
    ended = False
    while not ended and time.monotonic() - start < 15:
        try:
            wire.send("x" * 10)
        except OSError:
            ended = True
        ended = ended or wire.ends_within(0.2)

    assert ended, "50 bytes a second is below 1 KiB a second"


def test_idle_keep_alive_clients_are_ended_in_time(lab):
    lab.origin("s1")
    lab.balance("s1", timeouts={"keep_alive": "1s"})
    wire = lab.connect()
    assert wire.ask("GET", "/name").status == 200

    start = time.monotonic()
    assert wire.ends_within(4)
    assert time.monotonic() - start > 0.7
    assert wire.ahead == b"", "the end between two requests is quiet"
