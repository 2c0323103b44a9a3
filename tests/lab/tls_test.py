"""TLS in front of a service and towards its servers, with openssl's and curl's own clients."""

import json

import pytest
from lib.https import certificate_of, curl, serve


def test_the_name_asked_for_chooses_the_certificate(lab, authority):
    lab.origin("s1")
    serve(lab, [authority("site", "DNS:site.test"), authority("wild", "DNS:*.wild.test")])

    assert curl(lab, "https://site.test/name").stdout == "s1\n"
    assert curl(lab, "https://a.wild.test/name", name="a.wild.test").stdout == "s1\n"
    assert "subject=CN = site" in certificate_of(lab, "-servername", "unknown.test")
    assert curl(lab, "https://a.b.wild.test/name", name="a.b.wild.test").returncode == 60


def test_rsa_and_ecdsa_of_one_name_are_chosen_by_the_client(lab, authority):
    lab.origin("s1")
    serve(lab, [authority("rsa", "DNS:site.test", ("rsa:2048",)),
                authority("ecdsa", "DNS:site.test")])
    asked = ("-servername", "site.test", "-tls1_2", "-cipher")

    assert "subject=CN = rsa" in certificate_of(lab, *asked, "ECDHE-RSA-AES128-GCM-SHA256")
    assert "subject=CN = ecdsa" in certificate_of(lab, *asked, "ECDHE-ECDSA-AES128-GCM-SHA256")


def test_a_client_certificate_is_told_to_the_server_and_cannot_be_forged(lab, authority):
    lab.origin("s1")
    site, person = authority("site", "DNS:site.test"), authority("person", "DNS:person")
    serve(lab, [site], tls={"client_certificate": "optional", "client_ca": "ca.crt"})

    def seen(*words):
        answer = curl(lab, "https://site.test/headers", *words).stdout
        return {name.lower(): value for name, value in json.loads(answer)["fields"]}

    files = {name: str(lab.folder / file) for name, file in person.items()}
    known = seen("--cert", files["cert"], "--key", files["key"])
    assert known["x-ssl-client-verify"] == "SUCCESS"
    assert known["x-ssl-client-subject"] == "CN=person"
    assert known["client-cert"].startswith(":")
    forged = seen("-H", "X-SSL-Client-Subject: CN=root", "-H", "Client_Cert: :AA==:")
    assert forged["x-ssl-client-verify"] == "NONE"
    assert "x-ssl-client-subject" not in forged and "client_cert" not in forged


def test_a_required_client_certificate_keeps_others_out(lab, authority):
    lab.origin("s1")
    serve(lab, [authority("site", "DNS:site.test")],
          tls={"client_certificate": "required", "client_ca": "ca.crt"})

    assert curl(lab, "https://site.test/name").returncode != 0
    assert "client_certificate_missing" in lab.poise.run("why").stdout


def test_plain_http_is_redirected_and_told_when_it_comes_to_the_tls_port(lab, authority):
    lab.origin("s1")
    serve(lab, [authority("site", "DNS:site.test")], redirect_http=True, hsts="365d")

    moved = curl(lab, "http://site.test/a?b=1", "-i").stdout
    assert " 308 " in moved and "Location: https://site.test/a?b=1" in moved
    assert " 400 " in curl(lab, "http://site.test:443/", "-i").stdout
    assert "max-age=31536000" in curl(lab, "https://site.test/name", "-i").stdout


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_are_resumed(lab, authority, version):
    lab.origin("s1")
    serve(lab, [authority("site", "DNS:site.test")])
    ticket = str(lab.folder / "session")
    ask = "(printf 'GET /name HTTP/1.0\\r\\n\\r\\n'; sleep 1)"
    lab.client.run(["sh", "-c", f"{ask} | openssl s_client -ign_eof -connect {lab.lb.ip}:443 "
                                f"{version} -sess_out {ticket}"])

    assert "Reused, TLSv1" in certificate_of(lab, version, "-sess_in", ticket)


def test_servers_are_spoken_to_in_tls_and_verified(lab, authority):
    lab.origin("s1")
    serve(lab, [authority("site", f"DNS:site.test,IP:{lab.lb.ip}")])
    inner = f"{lab.lb.ip}:443"
    good = {"listen": ":81", "servers": [{"address": inner, "tls": True}],
            "server_tls": {"ca": "ca.crt"}, "health": {"check": "tcp"}}
    wrong = good | {"listen": ":82", "server_tls": {"ca": "ca.crt", "name": "else.test"}}
    careless = good | {"listen": ":83", "server_tls": {"verify": False}}
    config = {"certificates": [{"cert": "site.crt", "key": "site.key"}],
              "services": {"web": lab.service("s1", listen=[":80", {"address": ":443",
                                                                    "tls": True}]),
                           "good": good, "wrong": wrong, "careless": careless}}
    lab.poise.write(json.loads(json.dumps(config)))  # the writer would share equal parts
    assert lab.poise.run("reload").returncode == 0

    def ask(port):
        return lab.client.run(["curl", "-sS", f"http://{lab.lb.ip}:{port}/name"]).stdout

    assert ask(81) == "s1\n"
    assert ask(83) == "s1\n"
    assert "server_certificate_refused" in ask(82)


@pytest.mark.parametrize("first", [b"\x16\x03\x01\xff\xff" + b"x" * 65536, b"\0" * 600,
                                   b"SSH-2.0-x\r\n", b"\x16\x03\x01\0\x05\x01\0"],
                         ids=["long", "zeros", "ssh", "cut"])
def test_garbage_instead_of_a_handshake_ends_that_connection_alone(lab, authority, first):
    lab.origin("s1")
    serve(lab, [authority("site", "DNS:site.test")])
    with lab.connect(port=443) as wire:
        wire.send(first)

    assert curl(lab, "https://site.test/name").stdout == "s1\n"


def test_a_big_body_passes_both_ways(lab, authority):
    lab.origin("s1")
    serve(lab, [authority("site", "DNS:site.test")])

    got = curl(lab, "https://site.test/1m", "-o", "/dev/null", "-w", "%{size_download}")
    assert got.stdout == str(1 << 20)


def test_a_broken_certificate_is_refused_with_its_file(lab, authority):
    lab.origin("s1")
    site, other = authority("site", "DNS:site.test"), authority("other", "DNS:other.test")
    serve(lab, [site])
    mixed = {"certificates": [{"cert": site["cert"], "key": other["key"]}],
             "services": {"web": lab.service("s1", listen=[":80", {"address": ":443",
                                                                   "tls": True}])}}
    lab.poise.write(mixed)

    refused = lab.poise.run("reload")
    assert refused.returncode == 1
    assert "does not belong to the certificate" in refused.stdout + refused.stderr
    assert curl(lab, "https://site.test/name").stdout == "s1\n"


def test_alpn_chooses_http2_and_servers_may_speak_it_too(lab, authority):
    certificates = [authority("site", "DNS:site.test")]
    server = authority("server", f"IP:{lab.node('s2').ip}")
    lab.origin("s1")
    root = lab.folder / "www"
    root.mkdir()
    (root / "name").write_text("over h2")
    lab.program("s2", ["nghttpd", "-d", str(root), "443", str(lab.folder / server["key"]),
                       str(lab.folder / server["cert"])], "nghttpd.log")
    inner = lab.service({"role": "s2", "port": 443, "tls": True, "http2": True},
                        server_tls={"ca": "ca.crt"}, health={"check": "none"})
    del inner["listen"]
    web = lab.service("s1", listen=[":80", {"address": ":443", "tls": True},
                                    {"address": ":444", "tls": True, "alpn": ["http/1.1"]}],
                      rules=[{"match": {"host": ["inner.test"]}, "use": "inner"}])
    lab.serve({"certificates": certificates, "services": {"web": web, "inner": inner}})

    version = ("-o", "/dev/null", "-w", "%{http_version} %{http_code}")
    assert curl(lab, "https://site.test/name", *version).stdout == "2 200"
    assert curl(lab, "https://site.test/name", "--http1.1", *version).stdout == "1.1 200"
    assert curl(lab, "https://site.test/1m", "-H", "Expect:", *version).stdout == "2 200"
    assert curl(lab, "https://site.test:444/name", *version, "--resolve",
                f"site.test:444:{lab.lb.ip}").stdout == "1.1 200"
    assert curl(lab, "https://site.test/name", "-H", "Host: inner.test").stdout == "over h2"
