"""Certificates that are replaced while they are served: no reload, and nobody is cut off."""

from lib.https import curl, serve, served_serial
from lib.programs import wait_for


def test_a_replaced_certificate_is_served_by_itself_and_drops_nobody(lab, authority):
    lab.origin("s1")
    poise = serve(lab, [authority("site", "DNS:site.test")])
    old = authority.serial("site")
    assert served_serial(lab) == old
    generation = poise.status()["generation"]
    held = lab.connect_tls()
    download = lab.connect_tls()
    download.request("GET", "/slow/200/1/50")
    assert download.head().status == 200
    load = lab.load(clients=4)

    authority("site", "DNS:site.test")
    new = authority.serial("site")

    wait_for("the new certificate", lambda: served_serial(lab) == new, 30)
    assert poise.status()["generation"] == generation + 1
    assert "site.crt" in poise.output() and "generation 2 is in force" in poise.output()
    assert curl(lab, "https://site.test/name").stdout == "s1\n"
    assert held.ask("GET", "/name").status == 200
    assert len(download.take(200)) == 200
    load.finish(least=100).expect_no_failure(least=100)


def test_a_broken_certificate_changes_nothing_and_is_told_once(lab, authority):
    lab.origin("s1")
    poise = serve(lab, [authority("site", "DNS:site.test")])
    old = authority.serial("site")
    key = (lab.folder / "site.key").read_bytes()
    authority("other", "DNS:other.test")

    (lab.folder / "site.key").write_bytes((lab.folder / "other.key").read_bytes())

    told = "changed and cannot be used"
    wait_for("the reason in the log", lambda: told in poise.output(), 30)
    assert "does not belong to the certificate" in poise.output()
    assert served_serial(lab) == old
    assert poise.status()["generation"] == 1
    (lab.folder / "site.key").write_bytes(key)
    wait_for("the mended key", lambda: poise.status()["generation"] == 2, 30)
    assert served_serial(lab) == old
    assert poise.output().count(told) == 1
