"""OCSP stapling: the responder is asked, its answers are stapled, its failures change nothing."""

import time

from lib.admin import AdminClient, add_user, listens
from lib.https import Authority, certificate_of, curl
from lib.programs import wait_for

PORT = 8888


class Responder:
    """`openssl ocsp` in the node s2, over the certificates that the authority has made."""

    def __init__(self, lab, authority: Authority):
        self.lab, self.authority = lab, authority
        authority.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-keyout", "ocsp.key", "-out", "ocsp.csr", "-subj", "/CN=Responder")
        (lab.folder / "ocsp.ext").write_text("extendedKeyUsage=OCSPSigning\nnoCheck=ignored\n")
        authority.openssl("x509", "-req", "-in", "ocsp.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                          "-CAcreateserial", "-days", "30", "-extfile", "ocsp.ext",
                          "-out", "ocsp.crt")
        self.program = None

    def start(self, *states: tuple[str, str]) -> None:
        """States of certificates by name: "V" is good, "R" revoked."""
        stamp = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + 86400))
        past = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - 86400))
        rows = "".join(f"{state}\t{stamp}\t{past if state == 'R' else ''}\t"
                       f"{self.authority.serial(name)}\tunknown\t/CN={name}\n"
                       for name, state in states)
        (self.lab.folder / "index.txt").write_text(rows)
        files = [str(self.lab.folder / name)
                 for name in ("index.txt", "ocsp.crt", "ocsp.key", "ca.crt")]
        self.program = self.lab.program(
            "s2", ["openssl", "ocsp", "-port", str(PORT), "-index", files[0], "-rsigner", files[1],
                   "-rkey", files[2], "-CA", files[3], "-nmin", "10"], "ocsp.log")
        # By its own word: a connection without a question would stop it.
        wait_for("the responder", lambda: "waiting for" in self.program.output())

    def stop(self) -> None:
        self.program.kill()


def certificate(lab, authority, name="site"):
    """With its issuer in the file, and naming the responder."""
    url = f"http://{lab.node('s2').ip}:{PORT}/ocsp"
    entry = authority(name, f"DNS:{name}.test", extensions=f"authorityInfoAccess=OCSP;URI:{url}")
    with (lab.folder / entry["cert"]).open("ab") as chain:
        chain.write((lab.folder / "ca.crt").read_bytes())
    return entry | {"ocsp_stapling": True}


def serve(lab, *certificates, **settings):
    lab.origin("s1")
    web = lab.service("s1", listen=[":80", {"address": ":443", "tls": True}])
    return lab.serve({"certificates": list(certificates), "services": {"web": web}}, **settings)


def stapled(lab, *words):
    shown = certificate_of(lab, "-status", *words)
    assert "Verify return code" in shown
    return "OCSP Response Status: successful" in shown and "Cert Status: good" in shown


def told(poise) -> dict:
    """What the status says of each certificate: its first name, and its state of revocation."""
    return {one["names"][0]: one["ocsp"] for one in poise.status()["certificates"]}


def test_a_good_answer_is_stapled_and_outlives_reloads_and_the_responder(lab, authority):
    responder = Responder(lab, authority)
    entry = certificate(lab, authority)
    responder.start(("site", "V"))
    poise = serve(lab, entry)

    wait_for("a staple", lambda: stapled(lab))
    assert stapled(lab, "-tls1_2")
    assert curl(lab, "https://site.test/name", "--cert-status").stdout == "s1\n"
    responder.stop()
    assert poise.run("reload").returncode == 0
    assert stapled(lab)
    assert poise.output().count("that is stapled") == 1
    status = poise.run("status").stdout
    assert " for site.test, expires in " in status and ", OCSP good\n" in status, status


def test_without_its_responder_a_certificate_is_served_without_a_staple(lab, authority):
    responder = Responder(lab, authority)
    poise = serve(lab, certificate(lab, authority))

    wait_for("the failure in the log", lambda: "connect refused" in poise.output())
    assert curl(lab, "https://site.test/name").stdout == "s1\n"
    assert not stapled(lab)
    assert told(poise) == {"site.test": "failing"}
    responder.start(("site", "V"))
    wait_for("a staple, once the responder is there", lambda: stapled(lab), 30)
    assert poise.output().count("OCSP responder http") == 1


def test_a_revoked_certificate_is_told_and_nothing_is_stapled(lab, authority):
    responder = Responder(lab, authority)
    good, bad = certificate(lab, authority), certificate(lab, authority, "revoked")
    responder.start(("site", "V"), ("revoked", "R"))
    (lab.folder / "node.yaml").write_text("{}\n")
    add_user(lab, "administrator")
    poise = serve(lab, good, bad,
                  admin={"https": ":9443", "state_dir": str(lab.folder / "state")})

    wait_for("the warning", lambda: "has been revoked by its issuer" in poise.output())
    wait_for("a staple for the other one", lambda: stapled(lab, "-servername", "site.test"))
    assert not stapled(lab, "-servername", "revoked.test")
    assert told(poise) == {"site.test": "good", "revoked.test": "revoked"}
    wait_for("the administration answers", lambda: listens(lab.lb, "127.0.0.1", 9443))
    client = AdminClient(lab.lb)
    assert client.sign_in("administrator").status == 200
    shown = {one["names"][0]: one for one in client.get("/api/v1/certificates")}
    assert {name: one["ocsp"] for name, one in shown.items()} == told(poise)
    assert shown["site.test"]["stapled_until"] > time.strftime("%Y-%m-%dT%H:%M")
    assert "stapled_until" not in shown["revoked.test"]
    assert "s1\n" == curl(lab, "https://revoked.test/name", name="revoked.test").stdout


def test_a_certificate_that_cannot_be_stapled_is_served_and_told(lab, authority):
    entry = authority("site", "DNS:site.test") | {"ocsp_stapling": True}
    poise = serve(lab, entry)

    assert "names no OCSP responder" in poise.output()
    assert told(poise) == {"site.test": "impossible"}
    assert curl(lab, "https://site.test/name").stdout == "s1\n"
