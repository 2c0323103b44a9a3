"""Real programs through layer 4, both modes: nginx and curl, iperf3, dnsmasq and dnsperf."""

import json
import re
import shutil

import pytest

from lib.layer4 import VIP, add_vip, direct_server, nat_server, second_arm
from lib.programs import wait_for

NGINX = """
user root; daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 80; root {folder}/www; }}
}}
"""
CONTENT = bytes(i * i % 251 for i in range(4_000_000))


@pytest.fixture(params=["nat", "dr"])
def client(lab, request):
    """The client's node, once nginx, iperf3 and dnsmasq serve behind the balancer."""
    for tool in ("iperf3", "dnsmasq", "dnsperf"):
        if shutil.which(tool) is None:
            pytest.skip(f"'{tool}' is missing (./dev deps)")
    if request.param == "nat":
        second_arm(lab)
    server = {"nat": nat_server, "dr": direct_server}[request.param](lab, "s1")
    (lab.folder / "www").mkdir()
    (lab.folder / "www/file").write_bytes(CONTENT)
    lab.folder.chmod(0o755)
    (lab.folder / "nginx.conf").write_text(NGINX.format(folder=lab.folder))
    lab.program("s1", ["nginx", "-p", str(lab.folder), "-c", str(lab.folder / "nginx.conf")],
                "nginx.log")
    lab.program("s1", ["iperf3", "-s"], "iperf3.log")
    lab.program("s1", ["dnsmasq", "--keep-in-foreground", "--port=53", "--no-resolv", "--no-hosts",
                       "--conf-file=/dev/null", "--user=root", "--pid-file=",
                       "--host-record=a.lab,192.0.2.7"], "dnsmasq.log")
    add_vip(lab)
    lab.serve({"services": {
        name: {"mode": request.param, "protocol": protocol, "listen": f"{VIP}:{port}",
               "servers": [server.ip], "health": "none"}
        for name, protocol, port in (("web", "tcp", 80), ("bulk", "tcp", 5201),
                                     ("dns", "udp", 53))}})
    wait_for("nginx answers", lambda: curl(lab.client, "-o", "/dev/null") == 0)
    return lab.client


def curl(client, *words: str) -> int:
    return client.run(["curl", "-sS", "-m", "10", *words, f"http://{VIP}/file"]).returncode


def test_nginx_iperf3_and_dnsmasq(lab, client):
    got = lab.folder / "got"
    assert curl(client, "-o", str(got)) == 0 and got.read_bytes() == CONTENT

    for direction in ([], ["-R"]):
        done = client.run(["iperf3", "-c", VIP, "-t", "1", "-J", *direction])
        report = json.loads(done.stdout)
        assert "error" not in report, report["error"]
        assert report["end"]["sum_received"]["bytes"] > 1_000_000, direction

    (lab.folder / "queries").write_text("a.lab A\n" * 200)
    done = client.run(["dnsperf", "-s", VIP, "-d", str(lab.folder / "queries"), "-c", "10"])
    assert re.search(r"Queries completed:\s+200 ", done.stdout), done.stdout + done.stderr
    assert "NOERROR 200" in done.stdout
