"""Nobody administers who does not belong: first start, sessions, roles, floods, slow clients."""

import contextlib
import time

import pytest
from lib.admin import AdminClient, add_user, administered, listens, make_token
from lib.programs import wait_for

ORDER = "/api/v1/services/web/servers/s1/drain"


def test_without_a_user_only_the_node_itself_is_listened_to(lab):
    client = administered(lab)
    assert not listens(lab.client, lab.lb.ip, 9443)
    assert not listens(lab.client, lab.lb.ip, 9080)
    assert client.ask("GET", "/api/v1/status").status == 401
    assert client.get("/api/v1/session")["has_users"] is False
    add_user(lab, "alice")
    wait_for("it listens to others", lambda: listens(lab.client, lab.lb.ip, 9443))
    far = AdminClient(lab.client, lab.lb.ip)
    assert far.sign_in("alice").status == 200
    assert far.get("/api/v1/status")["services"][0]["name"] == "web"


def test_plain_http_from_elsewhere_is_sent_to_https(lab):
    administered(lab, "administrator")
    far = AdminClient(lab.client, lab.lb.ip, 9080, tls=False)
    answer = far.ask("GET", "/api/v1/status?x=1")
    assert answer.status == 308
    assert answer.headers["Location"] == f"https://{lab.lb.ip}:9443/api/v1/status?x=1"


def test_roles_orders_and_their_traces(lab):
    client = administered(lab, "operator", "viewer")
    assert client.ask("POST", ORDER).json["state"] == "drain"
    assert lab.poise.server("web", "s1")["state"] == "drain"
    assert client.ask("POST", "/api/v1/reload").status == 403
    assert client.ask("POST", ORDER, X_CSRF_Token="forged").status == 403
    assert client.ask("POST", ORDER, Origin="https://evil.example").status == 403
    assert client.ask("POST", ORDER.replace("s1", "s9")).status == 404
    viewer = AdminClient(lab.lb)
    assert viewer.sign_in("viewer").status == 200
    assert viewer.ask("POST", ORDER).status == 403
    admin = AdminClient(lab.lb)
    admin.sign_in("administrator")
    audit = admin.get("/api/v1/audit")
    assert any(one["what"] == "drain" and one["who"] == "operator" and one["target"] == "web/s1"
               for one in audit)
    assert client.ask("DELETE", "/api/v1/session").status == 204
    assert client.ask("GET", "/api/v1/status").status == 401


def test_wrong_passwords_lock_out_but_not_others(lab):
    client = administered(lab, "administrator")
    thief = AdminClient(lab.client, lab.lb.ip)
    wait_for("it listens to others", lambda: listens(lab.client, lab.lb.ip, 9443))
    answers = [thief.sign_in("administrator", "the first guess")]
    # On a busy machine a guess may take longer than the first delays, which double each time.
    while answers[-1].status == 401 and len(answers) < 14:
        answers.append(thief.sign_in("administrator", "guess number %d" % len(answers)))
    assert answers[0].status == 401
    assert answers[-1].status == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert client.sign_in("administrator").status == 200


def test_a_token_serves_a_program(lab):
    administered(lab, "administrator")
    scraper = AdminClient(lab.lb)
    scraper.token = make_token(lab, "prometheus", "viewer")
    wait_for("the token is known", lambda: scraper.ask("GET", "/metrics").status == 200)
    page = scraper.ask("GET", "/metrics").body.decode()
    assert 'poise_server_up{service="web",server="s1"} 1' in page
    assert scraper.ask("POST", ORDER).status == 403


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2fapp.js",
                                  "/api/v1/config/history/..%2f..%2fusers.yaml",
                                  "/api/v1/history?service=..%2fusers"])
def test_no_path_leaves_the_page(module_lab, path, administrator):
    answer = administrator.ask("GET", path)
    assert answer.status in (400, 404)
    assert b"scrypt" not in answer.body and b"root:" not in answer.body


@pytest.fixture(scope="module")
def administrator(module_lab):
    return administered(module_lab, "administrator")


def test_bodies_that_are_too_large_are_refused_before_they_are_read(administrator):
    stranger = AdminClient(administrator.node)
    large = b'{"user":"' + b"x" * 20_000 + b'"}'
    assert stranger.ask("POST", "/api/v1/session", large).status == 413
    assert administrator.ask("POST", "/api/v1/config/check", {"text": "x" * 100_000}).status == 200


def test_slow_clients_and_a_crowd_hold_up_nobody(module_lab, administrator):
    slow = [administrator.connect() for _ in range(20)]
    for one in slow:
        one.sendall(b"GET /api/v1/status HTTP/1.1\r\nX: ")
    begun = time.monotonic()
    assert administrator.get("/api/v1/status")["services"]
    assert module_lab.ask("/name").status == 200
    assert time.monotonic() - begun < 5
    slow[0].settimeout(30)
    with contextlib.suppress(ConnectionError):
        assert slow[0].recv(100) == b""  # cut off, in 10 s at most
    for one in slow:
        one.close()
