"""When no server is left: backups, then a fallback, then a page that says so."""

from lib.programs import wait_for


def test_a_backup_serves_only_when_no_other_is_up(lab):
    main = lab.origin("s1")
    lab.origin("s2")
    poise = lab.balance("s1", {"role": "s2", "backup": True})
    assert {lab.ask().body for _ in range(10)} == {b"s1\n"}

    main.kill()
    assert {lab.ask().body for _ in range(10)} == {b"s2\n"}

    lab.origin("s1")
    wait_for("s1 to be up", lambda: poise.server("web", "s1")["state"] == "up")
    assert {lab.ask().body for _ in range(10)} == {b"s1\n"}


def test_a_fallback_server_answers_when_the_pool_is_down(lab):
    lab.origin("s3")
    poise = lab.balance("s1", fallback=f"{lab.node('s3').ip}:80")
    wait_for("s1 to be down", lambda: poise.server("web", "s1")["state"] == "down")

    assert lab.ask().body == b"s3\n"

    lab.origin("s1")
    wait_for("s1 to be up", lambda: poise.server("web", "s1")["state"] == "up")
    assert lab.ask().body == b"s1\n"


def test_a_sorry_page_answers_when_the_pool_is_down(lab):
    (lab.folder / "sorry.html").write_text("<h1>back soon</h1>")
    poise = lab.balance("s1", fallback={"status": 503, "body_file": "sorry.html"})
    wait_for("s1 to be down", lambda: poise.server("web", "s1")["state"] == "down")

    answer = lab.ask()

    assert (answer.status, answer.body) == (503, b"<h1>back soon</h1>")


def test_without_a_fallback_the_answer_names_the_reason(lab):
    poise = lab.balance("s1")
    wait_for("s1 to be down", lambda: poise.server("web", "s1")["state"] == "down")

    page = lab.ask(Accept="text/html")
    data = lab.ask(Accept="application/json")

    assert (page.status, data.status) == (503, 503)
    assert b"no_server" in data.body and data.body.startswith(b"{")
    assert b"<html" in page.body.lower() or b"<!doctype" in page.body.lower()
    request_id = data.get("X-Request-Id")
    assert request_id and request_id.encode() in data.body
    assert "no_server" in poise.run("why", request_id).stdout
