"""A new configuration drops nobody; a bad one changes nothing."""

import time

from lib.programs import wait_for

IDLE = 1000


def test_reload_under_load_drops_no_connection(lab):
    lab.origin("s1")
    lab.origin("s2")
    poise = lab.balance("s1")
    idle = [lab.connect() for _ in range(IDLE)]
    for wire in idle:
        assert wire.ask("GET", "/name").status == 200
    downloads = [lab.connect() for _ in range(8)]
    for wire in downloads:
        wire.request("GET", "/slow/100/1/30")
        assert wire.head().status == 200
    tunnels = [lab.connect() for _ in range(8)]
    for wire in tunnels:
        assert wire.upgrade().status == 101
    load = lab.load(clients=8)
    generation = poise.status()["generation"]

    for servers in (["s1", "s2"], ["s2"], ["s1", "s2"]):
        poise.write({"services": {"web": lab.service(*servers, retries=1)}})
        poise.reload()
        generation += 1
        wait_for("the new generation", lambda: poise.status()["generation"] == generation)
        time.sleep(0.2)

    for wire in idle:
        assert wire.ask("GET", "/name").status == 200
    for wire in downloads:
        assert len(wire.take(100)) == 100
    for wire in tunnels:
        wire.send(b"still here")
        assert wire.take(10) == b"still here"
    load.finish(least=200).expect_no_failure(least=200)
    assert load.origins["s2"] > 0


def test_a_bad_file_changes_nothing_and_says_why(lab):
    lab.origin("s1")
    poise = lab.balance("s1")
    wire = lab.connect()
    assert wire.ask("GET", "/name").status == 200
    generation = poise.status()["generation"]

    poise.write("services:\n  web:\n    listen: ':80'\n    sceduler: wlc\n"
                "    servers: [1.2.3.4:80]\n")
    done = poise.run("reload")
    assert done.returncode == 1
    assert "poise.yaml:4:" in done.stderr and "scheduler" in done.stderr, done.stderr
    poise.reload()
    wait_for("the reason in the log", lambda: "poise.yaml:4:" in poise.output())

    assert poise.status()["generation"] == generation
    assert wire.ask("GET", "/name").body == b"s1\n"
    assert lab.ask().body == b"s1\n"


def test_a_removed_service_stops_listening_and_a_new_one_starts(lab):
    lab.origin("s1")
    poise = lab.balance("s1")
    running = lab.connect()
    running.request("GET", "/slow/40/1/50")

    poise.write({"services": {"next": lab.service("s1", listen=":81")}})
    assert poise.run("reload").returncode == 0
    with lab.connect(port=81) as wire:
        assert wire.ask("GET", "/name").status == 200

    def refused():
        try:
            lab.connect(timeout=1).close()
        except OSError:
            return True
    wait_for("port 80 to be closed", refused)
    assert len(running.response().body) == 40, "what ran before goes on"


def test_what_servers_know_survives_a_reload(lab):
    lab.origin("s1")
    lab.origin("s2")
    poise = lab.balance("s1", "s2")
    poise.run("drain", "web/s1")

    poise.write({"services": {"web": lab.service("s1", "s2", retries=1)}})
    assert poise.run("reload").returncode == 0

    assert poise.server("web", "s1")["state"] == "drain"
    assert {lab.ask().body for _ in range(8)} == {b"s2\n"}
