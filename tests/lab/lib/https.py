"""A certificate authority of a scenario, and clients of what is served with its certificates."""

import os
import subprocess
from pathlib import Path

EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("rsa:2048",)


class Authority:
    """Makes certificates in the lab's folder, where poise.yaml stands."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.openssl("req", "-x509", "-newkey", *EC, "-nodes", "-keyout", "ca.key",
                     "-out", "ca.crt", "-days", "30", "-subj", "/CN=Lab CA",
                     "-addext", "basicConstraints=critical,CA:TRUE")

    def openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True,
                       timeout=30)

    def __call__(self, name: str, names: str, kind=EC, days: int = 30,
                 extensions: str = "") -> dict:
        """The entry of `certificates` for a new one with these subject alternative names. What is
        there already is replaced as a renewal does: by new files of the old names."""
        self.openssl("req", "-newkey", *kind, "-nodes", "-keyout", f"{name}.key.new",
                     "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / "san").write_text(f"subjectAltName={names}\n{extensions}")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", str(days), "-extfile", "san",
                     "-out", f"{name}.crt.new")
        for kind_of_file in ("crt", "key"):
            os.replace(self.folder / f"{name}.{kind_of_file}.new",
                       self.folder / f"{name}.{kind_of_file}")
        return {"cert": f"{name}.crt", "key": f"{name}.key"}

    def serial(self, name: str) -> str:
        shown = subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", f"{name}.crt"],
                               cwd=self.folder, check=True, capture_output=True, text=True,
                               timeout=30)
        return shown.stdout.strip().removeprefix("serial=")


def serve(lab, certificates, tls=True, listen=(), **service):
    """One service `web` over s1, on port 80 and with TLS on 443."""
    rows = [":80", {"address": ":443", "tls": tls}, *listen]
    return lab.serve({"certificates": certificates,
                      "services": {"web": lab.service("s1", listen=rows, **service)}})


def curl(lab, url, *words, name="site.test"):
    ports = [word for port in (80, 443)
             for word in ("--resolve", f"{name}:{port}:{lab.lb.ip}")]
    return lab.client.run(["curl", "-sS", "--cacert", str(lab.folder / "ca.crt"), *ports, *words,
                           url])


def certificate_of(lab, *words):
    """What `openssl s_client` says of a handshake with the balancer."""
    shown = lab.client.run(["openssl", "s_client", "-connect", f"{lab.lb.ip}:443", *words],
                           text="")
    return shown.stdout


def served_serial(lab, *words) -> str:
    """The serial number of the certificate that the balancer shows."""
    command = (f"openssl s_client -connect {lab.lb.ip}:443 {' '.join(words)} </dev/null 2>/dev/null"
               " | openssl x509 -noout -serial")
    return lab.client.run(["sh", "-c", command]).stdout.strip().removeprefix("serial=")
