"""A real browser, as people use it: HTTP/2 inside TLS."""

import base64
import hashlib
import shutil
import subprocess

import pytest

BROWSER = "chromium"
PAGE = b"""<!doctype html><body><p id=told>nothing</p><script>
fetch('/data').then(answer => answer.text()).then(text => {
  const how = performance.getEntriesByType('navigation')[0].nextHopProtocol;
  document.getElementById('told').textContent = text + ' by ' + how;
});
</script>"""


def pinned(lab, cert: str) -> str:
    """The hash by which the browser is told to accept the certificate's key."""
    key = subprocess.run(["sh", "-c", f"openssl x509 -in {cert} -noout -pubkey |"
                          " openssl pkey -pubin -outform DER"],
                         cwd=lab.folder, capture_output=True, check=True, timeout=30).stdout
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def test_a_browser_shows_a_page_over_http2(lab, authority):
    if shutil.which(BROWSER) is None:
        pytest.skip(f"'{BROWSER}' is missing (apt-get install chromium)")

    def pages(wire):
        while request := wire.next_request():
            html = request.target == "/"
            wire.respond(200, PAGE if html else b"fetched",
                         Content_Type="text/html" if html else "text/plain")

    lab.scripted(pages)
    site = authority("site", "DNS:site.test")
    lab.serve({"certificates": [site],
               "services": {"web": lab.service("s1", listen=[":80", {"address": ":443",
                                                                     "tls": True}])}})

    lab.client.settle()
    shown = lab.client.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         f"--user-data-dir={lab.folder / 'profile'}", "--virtual-time-budget=10000",
         f"--host-resolver-rules=MAP site.test {lab.lb.ip}",
         f"--ignore-certificate-errors-spki-list={pinned(lab, site['cert'])}",
         "--dump-dom", "https://site.test/"], timeout=120)

    assert '<p id="told">fetched by h2</p>' in shown.stdout, shown.stdout + shown.stderr[-2000:]
