"""Certificates on the command line: what `check` warns of, and a sidecar with TLS."""

import json
import subprocess

from lib.https import curl
from lib.programs import POISE


def check(lab, *words):
    return subprocess.run([POISE, "check", *words, "poise.yaml"], cwd=lab.folder, text=True,
                          capture_output=True, timeout=30, check=False)


def test_check_warns_of_certificates_and_passes(lab, authority):
    entries = [authority("good", "DNS:good.test"),
               authority("soon", "DNS:soon.test", days=5),
               authority("alone", "DNS:alone.test",
                         extensions="authorityInfoAccess=caIssuers;URI:http://ca.test/ca.crt"),
               authority("must", "DNS:must.test", extensions="tlsfeature=status_request")]
    (lab.folder / "poise.yaml").write_text(json.dumps({
        "certificates": entries,
        "services": {"web": {"listen": [{"address": ":9443", "tls": True}],
                             "servers": ["127.0.0.1:9"]}}}))

    people, programs = check(lab), check(lab, "--json")

    assert people.returncode == 0 and programs.returncode == 0, people.stderr
    assert people.stdout.startswith("poise.yaml: ok, ")
    warnings = [line for line in people.stderr.splitlines() if ": warning: " in line]
    assert len(warnings) == 3, people.stderr
    for file, words in (("soon.crt", "expires on"), ("alone.crt", "no certificate of the issuer"),
                        ("must.crt", "demands OCSP stapling")):
        assert any(file in line and words in line for line in warnings), people.stderr
    assert len(json.loads(programs.stdout)[0]["warnings"]) == 3


def test_a_sidecar_speaks_tls(lab, authority):
    lab.origin("s1")
    site = authority("site", "DNS:site.test")
    command = [POISE, "proxy", "--listen", ":443", "--to", f"{lab.node('s1').ip}:80",
               "--tls-cert", str(lab.folder / site["cert"])]

    alone = lab.lb.run([*command, "--workers", "1"])
    assert alone.returncode == 1
    assert "no private key in" in alone.stderr, alone.stderr

    proxy = lab.program("lb", [*command, "--tls-key", str(lab.folder / site["key"])], "proxy.log")
    proxy.wait_listening(lab.lb.ip, 443)
    assert curl(lab, "https://site.test/name").stdout == "s1\n"
    assert lab.lb.run([POISE, "proxy", "--listen", ":444", "--to", "127.0.0.1:9",
                       "--tls-key", "x"]).returncode == 2
