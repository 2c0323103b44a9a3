"""Thousands of idle clients cost little and disturb nobody."""

import time

COUNT = 8000
BYTES_EACH = 1024  # the promise for an idle plain connection


def test_8000_idle_clients_cost_a_kibibyte_each(lab):
    lab.origin("s1")
    poise = lab.balance("s1")
    for _ in range(50):
        lab.ask()  # what is paid once is paid
    before = poise.rss_mb()

    wires = []
    for _ in range(COUNT):
        wire = lab.connect()
        assert wire.ask("GET", "/name").status == 200
        wires.append(wire)
    time.sleep(0.3)
    grown = poise.rss_mb() - before

    start = time.monotonic()
    assert lab.ask().status == 200
    assert time.monotonic() - start < 0.5, "others are served as before"
    for wire in wires[::20]:
        assert wire.ask("GET", "/name").status == 200
    for wire in wires:
        wire.close()
    assert grown * 1024 * 1024 / COUNT <= BYTES_EACH, f"{grown:.1f} MB for {COUNT} clients"


def test_beyond_the_limit_of_connections_others_go_on(lab):
    lab.origin("s1")
    lab.balance("s1", settings={"node": {"max_connections": 50, "workers": 1}})
    wires = []
    for _ in range(50):
        wire = lab.connect()
        assert wire.ask("GET", "/name").status == 200
        wires.append(wire)
    extra = [lab.connect() for _ in range(20)]
    for wire in extra:
        try:
            wire.request("GET", "/name")
        except OSError:
            pass
    time.sleep(0.5)

    assert all(wire.ask("GET", "/name").status == 200 for wire in wires)
    for wire in extra + wires:
        wire.close()
    deadline = time.monotonic() + 5
    answered = False
    while not answered and time.monotonic() < deadline:
        try:
            answered = lab.ask().status == 200
        except Exception:  # refused while the closes are still under way
            time.sleep(0.05)
    assert answered, "room that became free is used again"
