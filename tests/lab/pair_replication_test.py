"""What the nodes of a pair give each other: settings, certificates, persistence, tickets."""

import json
import subprocess
import time

import pytest

from lib.programs import ORIGIN
from lib.pair_world import GENEROUS, World, at_work
from bench.failover.pair import ADDRESS, wait
from bench.failover.poise import HEARTBEAT_PORT

TLS_PORT, STICKY_PORT = 8443, 8081
USERS = 40


def make_certificate(name: str, folder) -> tuple[str, str]:
    cert, key = folder / "made.crt", folder / "made.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                    f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key),
                    "-out", str(cert)], check=True, capture_output=True, timeout=20)
    return cert.read_text(), key.read_text()


class Replicated(World):
    """A pair with a service that speaks TLS and one that ties users to servers."""

    def begin(self):
        folder = self.pair.folder
        cert, key = make_certificate("site.example", folder)
        self.poise.files = {"tls/site.crt": cert, "tls/site.key": key}
        self.poise.top = {"certificates": [{"cert": "tls/site.crt", "key": "tls/site.key"}]}
        self.servers = [f"{self.pair.client.ip}:{port}" for port in (7001, 7002, 7003)]
        for server in self.servers:
            self.pair.start(self.pair.client, [ORIGIN, "--listen", server], "origin")
        self.poise.services = {
            "tls": {"listen": {"address": f"{ADDRESS}:{TLS_PORT}", "tls": True},
                    "health": "none", "servers": ["127.0.0.1:9"],
                    "fallback": {"status": 200, "body": "sealed\n"}},
            "sticky": {"listen": f"{ADDRESS}:{STICKY_PORT}", "health": "none",
                       "persistence": {"method": "header", "name": "X-User"},
                       "servers": [{"name": f"s{i}", "address": each}
                                   for i, each in enumerate(self.servers)]}}
        super().begin()
        self.synced()

    def status(self, node) -> dict:
        return json.loads(self.poise.command(node, "status", "--json").stdout)

    def synced(self):
        for node in self.pair.nodes:
            wait(f"{node.role} is synced", lambda one=node: (
                lambda pair: pair["replication"]["state"] == "synced"
                and pair["replication"]["settings"] == "equal")(self.status(one)["pair"]), GENEROUS)

    def config(self, node):
        return self.poise.folder(node) / "poise.yaml"

    def edit(self, node, line: str) -> None:
        config = self.config(node)
        config.write_text(config.read_text() + line)
        done = self.poise.command(node, "reload")
        assert done.returncode == 0, done.stderr

    def take_over(self) -> None:
        def ordered():
            done = self.poise.command(self.standby, "takeover")
            return done.returncode == 0
        wait("the standby may take over", ordered, GENEROUS)
        self.taken_over()

    def served_by(self) -> dict[str, int]:
        """The answers of each server so far, as the active node counts them."""
        active = wait("one node is active", self.pair.owner, GENEROUS)
        services = {one["name"]: one for one in self.status(active)["services"]}
        return {one["name"]: one["successes"] for one in services["sticky"]["servers"]}

    def ask_as(self, user: str) -> str:
        """The server that the user's request came to."""
        before = self.served_by()
        done = self.pair.client.run(["curl", "-s", "-m", "5", "-o", "/dev/null", "-w",
                                     "%{http_code}", "-H", f"X-User: {user}",
                                     f"http://{ADDRESS}:{STICKY_PORT}/"])
        assert done.stdout == "200", done
        after = self.served_by()
        return next(name for name in after if after[name] != before[name])


@pytest.fixture
def world(tmp_path):
    with at_work(Replicated(tmp_path)) as made:
        yield made


def same_settings(world, nodes) -> bool:
    texts = {world.config(node).read_bytes() for node in nodes}
    said = [world.poise.command(node, "settings").stdout for node in nodes]
    return len(texts) == 1 and all("the same on both nodes" in one for one in said)


def test_a_change_on_either_node_is_in_force_on_both(world):
    nodes = world.pair.nodes
    for turn, node in enumerate((world.active, world.standby)):
        generations = [world.status(each)["generation"] for each in nodes]
        world.edit(node, f"# change {turn}\n")
        wait("both have it", lambda: same_settings(world, nodes), GENEROUS)
        assert all(world.status(each)["generation"] > before
                   for each, before in zip(nodes, generations))
    # A file that does not load changes nothing anywhere.
    before = world.config(world.standby).read_bytes()
    config = world.config(world.active)
    good = config.read_text()
    config.write_text(good + "nonsense: 1\n")
    assert world.poise.command(world.active, "reload").returncode == 1
    assert world.config(world.standby).read_bytes() == before
    config.write_text(good)
    # A certificate that was renewed reaches the other node without an order.
    cert, key = make_certificate("renewed.example", world.pair.folder)
    for name, text in (("site.key", key), ("site.crt", cert)):
        (world.poise.folder(world.active) / "tls" / name).write_text(text)
    there = world.poise.folder(world.standby) / "tls"
    wait("the other node has the certificate", lambda: (there / "site.crt").read_text() == cert
         and (there / "site.key").read_text() == key, 15)
    wait("both say so", lambda: same_settings(world, nodes), GENEROUS)
    world.judge([world.active])


def test_what_both_changed_apart_is_kept_on_both_until_somebody_decides(world):
    world.pair.nft(world.standby, "add table inet cut; add chain inet cut in { type filter hook "
                   "input priority 0; }; add rule inet cut in tcp sport "
                   f"{HEARTBEAT_PORT} drop")
    wait("the stream has ended", lambda: world.status(world.standby)["pair"]["replication"][
        "state"] == "waiting", 15)
    world.edit(world.active, "# of the active node\n")
    world.edit(world.standby, "# of the standby\n")
    wait("a planned takeover is refused", lambda: "--force" in world.poise.command(
        world.standby, "takeover").stderr, GENEROUS)
    world.pair.nft(world.standby, "delete table inet cut")

    for node, other in ((world.active, "# of the standby"), (world.standby, "# of the active")):
        wait("the difference is told", lambda one=node, text=other: text in world.poise.command(
            one, "settings").stdout, 15)
    assert world.config(world.active).read_text().endswith("# of the active node\n")
    assert world.config(world.standby).read_text().endswith("# of the standby\n")
    assert world.poise.command(world.standby, "takeover").returncode == 1

    assert world.poise.command(world.standby, "settings", "--take").returncode == 0
    wait("both have the active node's", lambda: same_settings(world, world.pair.nodes), GENEROUS)
    assert world.config(world.standby).read_text().endswith("# of the active node\n")
    history = (world.poise.folder(world.standby) / "state").glob("config-*.json")
    assert any("# of the standby" in one.read_text() for one in history)
    world.take_over()


def test_users_keep_their_servers_and_tls_sessions_resume_after_a_takeover(world):
    servers = {f"u{i}": world.ask_as(f"u{i}") for i in range(USERS)}
    assert len(set(servers.values())) == len(world.servers)
    session = world.pair.folder / "session.pem"
    connect = ["timeout", "10", "openssl", "s_client", "-connect", f"{ADDRESS}:{TLS_PORT}",
               "-servername", "site.example", "-tls1_2"]
    first = world.pair.client.run([*connect, "-sess_out", str(session)])
    assert "New, TLSv1.2" in first.stdout, first
    wait("the standby has the entries", lambda: world.status(world.standby)["pair"]["replication"][
        "entries"] >= USERS, GENEROUS)
    time.sleep(1.2)  # entries count again when they are used; the copy is half a second old at most

    world.poise.kill(world.active)
    world.taken_over()

    assert {user: world.ask_as(user) for user in servers} == servers
    again = world.pair.client.run([*connect, "-sess_in", str(session)])
    assert "Reused, TLSv1.2" in again.stdout, again.stdout
