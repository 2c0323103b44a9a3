"""What HTTP/1.1 asks of an intermediary, end to end."""

import json
import queue

import pytest


def fields_seen(lab, **fields) -> dict:
    """What the origin saw of a request with these fields, by lower-case name."""
    answer = lab.ask("/headers", **fields)
    seen = {}
    for name, value in json.loads(answer.body)["fields"]:
        seen.setdefault(name.lower(), []).append(value)
    return seen


@pytest.fixture
def origin(lab):
    lab.origin("s1")
    return lab.balance("s1")


def test_100_continue_comes_from_the_server_before_the_body(lab):
    order = queue.Queue()

    def handler(wire):
        head = wire.head()
        order.put("head")
        wire.send("HTTP/1.1 100 Continue\r\n\r\n")
        wire.body_of(head)
        order.put("body")
        wire.respond(200, head.body)
    lab.scripted(handler)
    lab.balance("s1")
    with lab.connect(timeout=4) as wire:
        wire.send("PUT / HTTP/1.1\r\nHost: lab\r\nExpect: 100-continue\r\n"
                  "Content-Length: 4\r\n\r\n")
        assert wire.head().status == 100
        assert order.get(timeout=1) == "head"
        wire.send("body")
        assert wire.response().body == b"body"


def test_a_refusal_instead_of_100_reaches_the_client_without_the_body(lab):
    lab.scripted(lambda wire: wire.head() and wire.respond(417, b"no"))
    lab.balance("s1", health={"check": "none"})
    with lab.connect(timeout=4) as wire:
        wire.send("PUT / HTTP/1.1\r\nHost: lab\r\nExpect: 100-continue\r\n"
                  "Content-Length: 4\r\n\r\n")
        assert wire.response().status == 417


def test_103_and_other_interim_answers_pass(lab, origin):
    answer = lab.ask("/early-hints")

    assert [one.status for one in answer.interim] == [103]
    assert answer.interim[0].get("Link") == "</style.css>; rel=preload"
    assert answer.status == 200


def test_trailers_pass_both_ways(lab):
    server = lab.scripted()
    server.handler = lambda wire: [server.requests.append(wire.next_request()), wire.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        "2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n")]
    lab.balance("s1", health={"check": "none"})
    with lab.connect() as wire:
        wire.send("POST / HTTP/1.1\r\nHost: lab\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n"
                  "Trailer: X-In\r\n\r\n1\r\na\r\n0\r\nX-In: 5\r\n\r\n")
        answer = wire.response()

    assert answer.trailers == [("X-Sum", "7")]
    assert ("X-In", "5") in server.requests[0].trailers
    assert server.requests[0].get("TE") == "trailers"


@pytest.mark.parametrize("method,target,status", [
    ("HEAD", "/1k", 200), ("GET", "/status/204", 204), ("GET", "/status/304", 304),
    ("HEAD", "/chunked/100", 200)])
def test_answers_without_a_body_have_none_and_the_connection_goes_on(lab, origin, method, target,
                                                                    status):
    with lab.connect() as wire:
        for _ in range(3):
            answer = wire.ask(method, target)
            assert (answer.status, answer.body) == (status, b"")
            if target == "/1k":
                assert answer.get("Content-Length") == "1024"
        assert wire.ask("GET", "/name").body == b"s1\n"


def test_hop_by_hop_fields_end_here(lab, origin):
    seen = fields_seen(lab, Connection="X-Mine, keep-alive", X_Mine="secret",
                       Keep_Alive="timeout=5", Proxy_Connection="keep-alive", TE="gzip",
                       X_Kept="yes")

    assert "x-mine" not in seen and "keep-alive" not in seen and "proxy-connection" not in seen
    assert seen["x-kept"] == ["yes"]
    assert "gzip" not in seen.get("te", [""])[0]


def test_forwarded_fields_name_the_client_and_lies_are_not_believed(lab, origin):
    seen = fields_seen(lab, X_Forwarded_For="6.6.6.6", X_Forwarded_Proto="https")

    assert seen["x-forwarded-for"][-1].split(",")[-1].strip() == lab.client.ip
    assert "6.6.6.6" not in str(seen["x-forwarded-for"]), "no trusted proxy said it"
    assert seen["x-forwarded-proto"] == ["http"]
    assert seen["x-forwarded-host"] == ["lab"]
    assert lab.client.ip in seen["forwarded"][0]
    assert seen["host"] == ["lab"]


def test_a_trusted_proxy_is_believed_and_appended_to(lab):
    lab.origin("s1")
    lab.balance("s1", trusted_proxies=["10.77.0.0/24"])

    seen = fields_seen(lab, X_Forwarded_For="192.0.2.7")

    joined = ",".join(seen["x-forwarded-for"]).replace(" ", "")
    assert joined == f"192.0.2.7,{lab.client.ip}"


def test_request_ids_are_made_and_returned(lab, origin):
    first, second = lab.ask("/headers"), lab.ask("/headers")
    ids = {answer.get("X-Request-Id") for answer in (first, second)}

    assert len(ids) == 2 and None not in ids
    assert first.get("X-Request-Id") in first.body.decode()


def test_pipelined_requests_are_answered_in_turn(lab, origin):
    with lab.connect() as wire:
        wire.send(b"".join(b"GET /bytes/%d HTTP/1.1\r\nHost: lab\r\n\r\n" % n
                           for n in range(1, 30)))
        assert [len(wire.response().body) for _ in range(1, 30)] == list(range(1, 30))


def test_http_1_0_clients_get_what_they_understand(lab, origin):
    with lab.connect() as wire:
        wire.send("GET /chunked/100 HTTP/1.0\r\n\r\n")
        answer = wire.response()
        assert answer.get("Transfer-Encoding") is None
        assert len(answer.body) == 100
    with lab.connect() as wire:
        for _ in range(2):
            wire.send("GET /bytes/5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert len(wire.response().body) == 5


def test_rules_choose_the_pool(lab):
    lab.origin("s1")
    lab.origin("s2")
    web = lab.service("s1", rules=[{"match": {"path_prefix": "/status/"}, "use": "api"},
                                   {"match": {"host": ["*.api.test"], "method": "GET"},
                                    "use": "api"}])
    api = lab.service("s2")
    del api["listen"]
    lab.serve({"services": {"web": web, "api": api}})

    assert lab.ask("/name").body == b"s1\n"
    assert lab.ask("/status/200").body == b"s2\n"
    with lab.connect() as wire:
        assert wire.ask("GET", "/name", host="v1.api.test").body == b"s2\n"
        assert wire.ask("GET", "/name", host="other.test").body == b"s1\n"


def test_fields_that_servers_may_take_for_ours_are_not_passed_on(lab):
    """Behind CGI and its children X_Forwarded_For is X-Forwarded-For."""
    lab.origin("s1")
    lab.balance("s1")
    wire = lab.connect()
    wire.send("GET /headers HTTP/1.1\r\nHost: lab\r\nX_Forwarded_For: 9.9.9.9\r\n"
              "x_request-ID: forged\r\nX_Other: stays\r\n\r\n")
    body = wire.response().body
    assert b"9.9.9.9" not in body and b"forged" not in body
    assert b"stays" in body


def test_an_endless_target_is_414_and_endless_fields_are_431(lab):
    lab.origin("s1")
    lab.balance("s1")
    for start, status in (("GET /", 414), ("GET / HTTP/1.1\r\nHost: lab\r\nX: ", 431)):
        wire = lab.connect()
        wire.send(start + "a" * 100_000)
        assert wire.response().status == status


@pytest.mark.parametrize("upgrade", ["h2c", ""])
def test_a_switch_to_a_protocol_that_nobody_asked_for_is_refused(lab, upgrade):
    def handler(wire):
        wire.next_request()
        extra = f"Upgrade: {upgrade}\r\n" if upgrade else ""
        wire.send(f"HTTP/1.1 101 X\r\nConnection: Upgrade\r\n{extra}\r\n")
        wire.more()
    lab.scripted(handler)
    lab.balance("s1", health={"check": "none"})
    with lab.connect() as wire:
        assert wire.upgrade("/").status == 502


def test_a_connection_over_which_an_odd_interim_came_is_not_used_again(lab):
    def handler(wire):
        while wire.next_request():
            wire.send("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n")
            wire.respond(200, b"ok")
    server = lab.scripted(handler)
    lab.balance("s1", health={"check": "none"}, settings={"node": {"workers": 1}})
    for _ in range(3):
        assert lab.ask("/").status == 200
    assert server.connections == 3
