"""Real programs at both ends: nginx as the server, curl as the client."""

import hashlib

import pytest

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  gzip on; gzip_min_length 100; gzip_types text/plain; keepalive_timeout 1s;
  server {{ listen 80; root {folder}/www; location = /moved {{ return 301 /file; }} }}
}}
"""


@pytest.fixture
def curl(lab):
    """nginx with a file behind the balancer; returns a function that runs curl."""
    www = lab.folder / "www"
    www.mkdir()
    (www / "file").write_bytes(bytes(range(256)) * 4000)
    (www / "text.txt").write_text("compress me " * 500)
    lab.folder.chmod(0o755)
    (lab.folder / "nginx.conf").write_text("user root;" + NGINX.format(folder=lab.folder))
    nginx = lab.program("s1", ["nginx", "-p", str(lab.folder), "-c", "nginx.conf", "-c",
                               str(lab.folder / "nginx.conf")], "nginx.log")
    nginx.wait_listening(lab.node("s1").ip, 80)
    lab.balance("s1")

    def run(*words, path="/file"):
        return lab.client.run(["curl", "-sS", "-m", "10", *words, f"http://{lab.lb.ip}{path}"])
    return run


def test_a_file_arrives_whole(lab, curl):
    target = lab.folder / "got"
    curl("-o", str(target))

    want = (lab.folder / "www" / "file").read_bytes()
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(want).digest()


def test_ranges_conditions_and_redirects_pass(lab, curl):
    assert curl("-r", "100-199", "-o", "/dev/null", "-w", "%{http_code} %{size_download}").stdout \
        == "206 100"
    tag = [line.split(": ", 1)[1].strip() for line in curl("-I").stdout.splitlines()
           if line.lower().startswith("etag")][0]
    assert curl("-H", f"If-None-Match: {tag}", "-o", "/dev/null", "-w",
                "%{http_code} %{size_download}").stdout == "304 0"
    assert curl("-L", "-o", "/dev/null", "-w", "%{num_redirects} %{size_download}",
                path="/moved").stdout == "1 1024000"


def test_compression_and_http_1_0_pass(lab, curl):
    assert curl("--compressed", path="/text.txt").stdout == "compress me " * 500
    assert curl("--http1.0", "--compressed", path="/text.txt").stdout == "compress me " * 500


def test_a_keep_alive_connection_outlives_the_servers(lab, curl):
    """nginx ends its idle connections after a second; the client's own must not notice."""
    import time
    with lab.connect() as wire:
        for pause in (0, 0.5, 0.95, 1.0, 1.05, 1.5):
            time.sleep(pause)
            assert wire.ask("GET", "/text.txt").status == 200


def test_many_requests_on_one_connection(lab, curl):
    urls = [f"http://{lab.lb.ip}/file?{number}" for number in range(50)]
    done = lab.client.run(["curl", "-sS", "-m", "20", *sum((["-o", "/dev/null", url]
                                                            for url in urls), []),
                           "-w", "%{num_connects} %{size_download}\n"])
    lines = done.stdout.split("\n")[:50]
    assert lines[0] == "1 1024000"
    assert set(lines[1:]) == {"0 1024000"}
