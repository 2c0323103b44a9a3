"""Certificates for the runs over TLS: one by ECDSA and one by RSA, signed by themselves."""

import subprocess
from pathlib import Path

KINDS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "rsa": ["-newkey", "rsa:2048"]}


def make_certificates(folder: Path) -> None:
    """Those of KINDS."""
    for kind, words in KINDS.items():
        make_certificate(folder, kind, words)


def make_certificate(folder: Path, kind: str, words: list[str]) -> None:
    """Writes KIND.crt, KIND.key and both as KIND.pem, unless they are there."""
    pem = folder / f"{kind}.pem"
    if pem.exists():
        return
    cert, key = folder / f"{kind}.crt", folder / f"{kind}.key"
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "30", *words,
                    "-keyout", str(key), "-out", str(cert), "-subj", f"/CN={kind}.bench.test",
                    "-addext", f"subjectAltName=DNS:{kind}.bench.test"],
                   check=True, capture_output=True, timeout=600)
    pem.write_bytes(cert.read_bytes() + key.read_bytes())
