"""What one client sent or got never shows up in what is said, logged or decided about another."""

import json

from lib.programs import wait_for


def access_lines(lab, count: int) -> list[dict]:
    """The access log as soon as it has `count` lines."""
    def written():
        rows = [json.loads(line) for line in lab.poise.output().splitlines()]
        rows = [row for row in rows if "bytes_in" in row]
        return rows if len(rows) >= count else None
    return wait_for(f"{count} access lines", written)


def balance_with_log(lab, **service):
    log = {"access": "all", "format": "json"}
    return lab.balance("s1", settings={"node": {"workers": 1}, "log": log}, **service)


def big_talk(lab):
    """A client whose buffer has grown, so that its memory goes back to the heap at the end."""
    wire = lab.connect(source=None)
    body = b"z" * 300_000
    wire.request("POST", "/echo", body, Accept="application/json", X_Secret="s3cret")
    assert wire.response("POST").status == 200
    wire.send(b"".join(b"GET /name?s3cret HTTP/1.1\r\nHost: other\r\n\r\n" for _ in range(50)))
    for _ in range(50):
        assert wire.response().status == 200
    wire.request("HEAD", "/name")
    assert wire.response("HEAD").status == 200
    wire.close()


def test_a_refused_head_is_answered_and_logged_as_its_own(lab):
    lab.origin("s1")
    poise = balance_with_log(lab, timeouts={"header": "500ms"})
    for _ in range(3):
        big_talk(lab)
    known = len(access_lines(lab, 3 * 52))

    late = lab.connect()
    late.send("GET / HT")
    assert (timed_out := late.response()).status == 408
    long = lab.connect()
    long.send("GET /" + "a" * 3000 + " HTTP/1.1\r\n" + "X: y" * 20000)
    assert (too_long := long.response()).status == 431
    bad = lab.connect()
    bad.send("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
    assert (refused := bad.response()).status == 400

    for answer in (timed_out, too_long, refused):
        assert answer.body and b"s3cret" not in answer.body
        assert answer.get("Content-Type").startswith("text/plain"), "nobody asked for JSON here"
    lines = access_lines(lab, known + 3)[known:]
    assert [line["status"] for line in lines] == [408, 431, 400]
    for line, wire in zip(lines, (late, long, bad)):
        port = wire.sock.getsockname()[1]
        assert line["client"].endswith(f":{port}"), "the one that sent it"
        assert line["method"] == "" and line["target"] == "" and line["host"] == ""
        assert line["total_us"] < 5_000_000
    assert poise.alive()


def test_a_refused_head_request_gets_no_body(lab):
    lab.origin("s1")
    lab.balance("s1")
    wire = lab.connect()
    wire.send("HEAD / HTTP/1.1\r\nHost: a b\r\n\r\n")
    answer = wire.response("HEAD")
    assert answer.status == 400
    assert wire.ends_within(3)
    assert wire.ahead == b""


def test_a_tunnel_is_logged_with_its_own_request(lab):
    lab.origin("s1")
    balance_with_log(lab)
    wire = lab.connect()
    assert wire.upgrade("/ws?mine").status == 101
    for _ in range(20):
        wire.send(b"x" * 10_000)
        assert wire.take(10_000) == b"x" * 10_000
        assert lab.ask("/name").status == 200
    wire.close()

    line = access_lines(lab, 21)[-1]
    assert (line["method"], line["target"], line["status"]) == ("GET", "/ws?mine", 101)


def test_no_request_goes_to_a_server_that_a_reload_removed(lab):
    """A session of an old configuration ends last: its connection must not be found again."""
    lab.origin("s1")
    lab.origin("s2")
    service = {"retries": 0, "health": {"check": "none"}}
    poise = lab.balance(*[{"role": "s1", "name": f"old{n}"} for n in range(20)], **service)
    for turn in range(3):
        olds = [{"role": "s1", "name": f"old{n}"} for n in range(20)]
        poise.write({"services": {"web": lab.service(*olds, **service)}})
        assert poise.run("reload").returncode == 0
        slow = [lab.connect() for _ in range(40)]
        for wire in slow:
            wire.request("GET", "/slow/10/1/60")
            assert wire.head().status == 200
        poise.write({"services": {"web": lab.service("s2", **service)}})
        assert poise.run("reload").returncode == 0
        for wire in slow:
            assert len(wire.take(10)) == 10
        for wire in slow:  # each ends its old configuration
            assert wire.ask("GET", "/name").body == b"s2\n"
        news = [{"role": "s2", "name": f"new{turn}.{n}"} for n in range(20)]
        poise.write({"services": {"web": lab.service(*news, **service)}})
        assert poise.run("reload").returncode == 0

        assert {lab.ask("/name").body for _ in range(60)} == {b"s2\n"}
