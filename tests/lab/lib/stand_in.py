"""HAProxy in Poise's place (LAB_STAND_IN=haproxy), to prove that a scenario can pass and that a
failure of Poise is Poise's. It understands only what the scenarios for both need; a scenario that
asks for more is skipped."""

import os
import signal
from pathlib import Path

import pytest

from .programs import Program

UNDERSTOOD = {"listen", "health", "servers", "protocol", "timeouts", "persistence", "send_proxy",
              "retries", "forwarded", "trusted_proxies"}
TIMEOUTS = {"connect": "connect", "header": "http-request", "idle": "client",
            "response": "server", "queue": "queue", "keep_alive": "http-keep-alive",
            "tunnel": "tunnel"}


def wanted() -> bool:
    return os.environ.get("LAB_STAND_IN") == "haproxy"


def _bind(listen) -> str:
    one = listen if isinstance(listen, dict) else {"address": listen}
    port = one["address"].rsplit(":", 1)[1]
    return f"  bind :::{port} v4v6" + (" accept-proxy" if one.get("proxy_protocol") else "")


def _server(server: dict, service: dict) -> str:
    health = service.get("health", {})
    interval = health.get("interval", "2s")
    line = f"  server {server['name']} {server['address']} check inter {interval} fall 2 rise 1" \
           " observe layer4 error-limit 3 on-error mark-down on-marked-down shutdown-sessions"
    for key, word in (("max_connections", "maxconn"), ("weight", "weight")):
        if key in server:
            line += f" {word} {server[key]}"
    if server.get("backup"):
        line += " backup"
    if service.get("persistence", {}).get("method") == "cookie":
        line += f" cookie {server['name']}"
    version = service.get("send_proxy")
    return line + {"v1": " send-proxy", "v2": " send-proxy-v2"}.get(version, "")


def render(config: dict) -> str:
    lines = ["global", "  nbthread 2", "  maxconn 9000", "  maxpipes 100", "  hard-stop-after 30s",
             "defaults", "  timeout connect 5s",
             "  timeout client 60s", "  timeout server 60s", "  timeout http-request 15s"]
    for name, service in config["services"].items():
        unknown = set(service) - UNDERSTOOD
        if unknown or len(config) > 1:
            pytest.skip(f"HAProxy stands in; it does not know {', '.join(unknown)}")
        http = service.get("protocol", "http") == "http"
        lines += [f"listen {name}", f"  mode {'http' if http else 'tcp'}", _bind(service["listen"]),
                  "  balance leastconn", "  option redispatch 1", "  retries 3"]
        if http:
            lines += ["  retry-on conn-failure empty-response", "  http-reuse safe",
                      "  option forwardfor"]
        if service.get("persistence", {}).get("method") == "cookie":
            lines.append("  cookie POISE insert indirect")
        if service.get("persistence", {}).get("method") == "source":
            lines += ["  stick-table type ip size 1k", "  stick on src"]
        for key, value in service.get("timeouts", {}).items():
            if key in TIMEOUTS:
                lines.append(f"  timeout {TIMEOUTS[key]} {value}")
        lines += [_server(server, service) for server in service["servers"]]
    return "\n".join(lines) + "\n"


class HaproxyStandIn(Program):
    def __init__(self, node, folder: Path, config: dict, settings: dict):
        (folder / "haproxy.cfg").write_text(render(config))
        super().__init__(node, ["haproxy", "-W", "-db", "-f", "haproxy.cfg"],
                         folder / "poise.log", cwd=folder)
        self.folder = folder

    def __getattr__(self, name):
        pytest.skip(f"HAProxy stands in; it has no '{name}'")

    def write(self, config) -> None:
        (self.folder / "haproxy.cfg").write_text(render(config))

    def reload(self) -> None:
        self.signal(signal.SIGUSR2)
