"""Who is told when something goes wrong: by mail and webhook, once, and again when it is well."""

import ssl
import subprocess

import yaml
from lib.admin import administered
from lib.programs import POISE, wait_for
from lib.sinks import HookSink, MailSink

PASSWORD = "a secret of the mailbox"
TOKEN = "a-secret-of-the-hook"


def alerts(lab, authority) -> dict:
    authority("mail", f"IP:{lab.node('other').ip}")
    (lab.folder / "mail.password").write_text(PASSWORD + "\n")
    (lab.folder / "hook.token").write_text(TOKEN + "\n")
    (lab.folder / "hook.url").write_text(f"http://{lab.node('other').ip}:8080/of-a-secret\n")
    return {"group": "2s",
            "smtp": {"server": f"{lab.node('other').ip}:587", "from": "lb1@lab.example",
                     "to": ["ops@lab.example", "night@lab.example"], "user": "lb1",
                     "password_file": "mail.password", "ca_file": "ca.crt"},
            "webhook": {"url_file": "hook.url", "token_file": "hook.token"}}


def sinks(lab, refusals: int = 0) -> tuple[MailSink, HookSink]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab.folder / "mail.crt", lab.folder / "mail.key")
    return (lab.keep(MailSink(lab.node("other"), 587, refusals, context)),
            lab.keep(HookSink(lab.node("other"), 8080, refusals)))


def test_a_burst_makes_one_message_and_its_end_another(lab, authority):
    settings = alerts(lab, authority)
    mails, posts = sinks(lab, refusals=1)  # both have to be tried again
    client = administered(lab, "administrator", alerts=settings)
    for origin in client.origins.values():
        origin.kill()
    mail = wait_for("a mail", lambda: mails.received, 20)[0]
    post = wait_for("a post", lambda: posts.received, 20)[0]
    assert mail["tls"] and (mail["user"], mail["password"]) == ("lb1", PASSWORD)
    assert mail["from"] == "lb1@lab.example"
    assert mail["to"] == ["ops@lab.example", "night@lab.example"]
    assert {one["subject"] for one in post["alerts"]} == {"web/s1", "web/s2", "web"}
    assert all(one["level"] == "problem" and one["cure"] for one in post["alerts"])
    assert mail["head"]["Subject"] == post["title"]
    assert "3 problems: " in post["title"]
    assert "problem   server web/s1 down: connect refused" in mail["text"]
    assert post["path"] == "/of-a-secret"
    assert post["fields"]["authorization"] == f"Bearer {TOKEN}"
    told = client.get("/api/v1/alerts")
    assert {one["subject"] for one in told["open"]} == {"web/s1", "web/s2", "web"}
    assert [place["sent"] for place in told["places"]] == [1, 1]

    lab.origin("s1")
    again = wait_for("a message of the end", lambda: posts.received[1:], 20)[0]
    assert {one["subject"]: one["level"] for one in again["alerts"]} == \
        {"web/s1": "resolved", "web": "resolved"}
    lab.poise.write("services: {web: {serverz: 1, listen: \":80\", servers: [\"10.0.0.1:80\"]}}\n")
    lab.poise.reload()
    refused = wait_for("a message of the reload", lambda: posts.received[2:], 20)[0]["alerts"]
    assert [one["kind"] for one in refused] == ["config"]
    assert "poise.yaml:1:18: unknown service key 'serverz'" in refused[0]["text"]
    metrics = client.ask("GET", "/metrics").body.decode()
    assert "poise_alerts_open 2\n" in metrics
    seen = lab.poise.output() + metrics + client.ask("GET", "/api/v1/alerts").body.decode()
    for secret in (PASSWORD, TOKEN, "of-a-secret"):
        assert secret not in seen
    assert len(posts.received) == 3


def test_a_mail_server_that_hangs_costs_the_traffic_nothing(lab):
    listener = lab.node("other").listen(25)  # takes connections and says nothing
    mail = {"server": f"{lab.node('other').ip}:25", "tls": "off", "from": "a@lab.example",
            "to": "b@lab.example"}
    origins = [lab.origin("s1"), lab.origin("s2")]
    lab.balance("s1", "s2", settings={"alerts": {"group": "1s", "smtp": mail},
                                      "admin": {"http": "off", "https": "off"}})
    origins[1].kill()
    listener.settimeout(20)
    hanging = listener.accept()
    wrk = lab.wrk("/1k", 1)
    assert wrk.result()["failed"] == 0
    lab.poise.stop()  # at once, whatever hangs
    assert "ready in" in lab.poise.output() and "stopped" in lab.poise.output()
    hanging[0].close()
    listener.close()


def test_the_command_tries_both_and_says_how_it_went(lab, authority):
    settings = alerts(lab, authority)
    mails, posts = sinks(lab)
    (lab.folder / "node.yaml").write_text(yaml.safe_dump({"node": {"name": "lb7"},
                                                          "alerts": settings}))

    def order():
        with lab.lb.inside():
            return subprocess.run([POISE, "alert", "test"], cwd=lab.folder, capture_output=True,
                                  text=True, timeout=60, check=False)

    done = order()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": taken\n") == 2
    assert mails.received[0]["head"]["Subject"].startswith("[lb7] 1 notice: test")
    assert posts.received[0]["alerts"][0]["level"] == "notice"
    mails.stop()
    (lab.folder / "hook.url").write_text("gopher://somewhere/\n")
    done = order()
    assert done.returncode == 1
    assert "mail to ops@lab.example and 1 more" in done.stderr
    assert "webhook of hook.url" in done.stderr
