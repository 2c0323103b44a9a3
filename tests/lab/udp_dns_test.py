"""DNS by real programs: dnsmasq behind Poise, dnsperf in front of it."""

import re
import shutil

import pytest

from lib.programs import POISE, wait_for

NAMES = 200


@pytest.fixture(autouse=True)
def programs():
    for tool in ("dnsmasq", "dnsperf"):
        if shutil.which(tool) is None:
            pytest.skip(f"'{tool}' is missing (./dev deps)")


def dnsmasq(lab, role: str):
    names = [f"--host-record=n{i}.lab,192.0.2.{i % 250 + 1}" for i in range(NAMES)]
    return lab.program(role, ["dnsmasq", "--keep-in-foreground", "--port=53", "--no-resolv",
                              "--no-hosts", "--conf-file=/dev/null", "--user=root", "--pid-file=",
                              "--log-facility=-", "--cache-size=1000", *names], f"{role}.log")


def dns_service(lab, **service) -> dict:
    return lab.udp_service("s1", "s2", expect_replies=1,
                           health={"check": "dns", "query": "n0.lab", "interval": "200ms",
                                   "timeout": "200ms", "fall": 2, "rise": 1}, **service)


def perf(lab, seconds: int, address: str, *words: str) -> dict:
    queries = lab.folder / "queries"
    queries.write_text("".join(f"n{i}.lab A\n" for i in range(NAMES)))
    done = lab.client.run(["dnsperf", "-s", address, "-d", str(queries), "-l", str(seconds),
                           "-c", "20", "-Q", "2000", "-t", "2", *words], timeout=seconds + 20)
    found = {key: int(value) for key, value in
             re.findall(r"Queries (sent|completed|lost):\s+(\d+)", done.stdout)}
    assert found, done.stdout + done.stderr
    return found | {"codes": re.findall(r"Response codes:\s+(.+)", done.stdout)}


def test_no_query_is_lost_and_both_servers_work(lab):
    for role in ("s1", "s2"):
        dnsmasq(lab, role)
    poise = lab.serve({"services": {"dns": dns_service(lab)}})
    wait_for("both are up", lambda: {poise.server("dns", role)["state"] for role in ("s1", "s2")}
             == {"up"} and poise.output().count(": up") == 2)
    for address in (lab.lb.ip, lab.lb.ip6):
        result = perf(lab, 2, address)
        assert result["lost"] == 0 and result["completed"] > 1_000, result
        assert result["codes"][0].startswith("NOERROR") and "(100.00%)" in result["codes"][0]
    counts = [poise.server("dns", role)["successes"] for role in ("s1", "s2")]
    assert min(counts) > 500 and abs(counts[0] - counts[1]) <= 4
    wait_for("no session stays", lambda: poise.service("dns")["sessions"] == 0, 3)


def test_a_server_that_is_killed_costs_few_queries(lab):
    first, _ = (dnsmasq(lab, role) for role in ("s1", "s2"))
    poise = lab.serve({"services": {"dns": dns_service(lab)}})
    wait_for("both are up", lambda: poise.output().count(": up") == 2)
    before = perf(lab, 1, lab.lb.ip)
    assert before["lost"] == 0

    first.kill()
    result = perf(lab, 3, lab.lb.ip, "-t", "1")

    # Each refused query is the client's to ask again; real traffic takes the server down at once.
    assert result["lost"] < 40, result
    assert poise.server("dns", "s1")["state"] == "down"
    assert perf(lab, 1, lab.lb.ip)["lost"] == 0


def test_poise_proxy_is_a_sidecar_for_datagrams(lab):
    dnsmasq(lab, "s1")
    proxy = lab.program("lb", [POISE, "proxy", "--udp", "--listen", ":53", "--to",
                              f"{lab.node('s1').ip}:53"], "proxy.log")
    wait_for("it is ready", lambda: "ready in" in proxy.output())
    assert perf(lab, 1, lab.lb.ip)["lost"] == 0

