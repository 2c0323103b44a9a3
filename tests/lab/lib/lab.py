"""One scenario's world: its network, its programs, and their end."""

import ssl
from pathlib import Path

from . import stand_in
from .datagrams import UdpClient, UdpServer
from .frames import Http2Wire
from .http2_server import Handler, Http2Server
from .load import Load
from .network import Network, Node
from .programs import Origin, Poise, Program, Wrk
from .scripted import ScriptedServer
from .wire import Message, Wire


class Lab:
    """Made by the fixture `lab`; everything asked of it ends with the test."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.network = Network()
        self.endings = []
        self.poise: Poise | None = None
        self.client = self.network.node("client")
        self.lb = self.network.node("lb")

    def node(self, role: str) -> Node:
        return self.network.node(role)

    def keep(self, thing):
        self.endings.append(thing.stop)
        return thing

    def origin(self, role: str = "s1", port: int = 80) -> Origin:
        """The fast origin, named after its node."""
        origin = self.keep(Origin(self.node(role), self.folder, port, role))
        origin.wait_listening(self.node(role).ip, port)
        return origin

    def scripted(self, handler=None, role: str = "s1", port: int = 80) -> ScriptedServer:
        return self.keep(ScriptedServer(self.node(role), port, handler))

    def http2_server(self, handler: Handler, role: str = "s1", port: int = 80,
                     settings: dict | None = None) -> Http2Server:
        return self.keep(Http2Server(self.node(role), port, handler, settings))

    def udp_server(self, role: str = "s1", port: int = 53, answers=None) -> UdpServer:
        return self.keep(UdpServer(self.node(role), port, answers))

    def udp_service(self, *servers, **service) -> dict:
        """A service of datagrams on port 53, over the servers named by role."""
        rows = [{"port": 53} | ({"role": one} if isinstance(one, str) else one) for one in servers]
        return self.service(*rows, **({"protocol": "udp", "listen": ":53", "health": "none",
                                       "scheduler": "rr"} | service))

    def balance_udp(self, *servers, settings: dict | None = None, **service) -> Poise:
        """Starts Poise with one service `web` of datagrams."""
        return self.serve({"services": {"web": self.udp_service(*servers, **service)}},
                          **(settings or {}))

    def udp_client(self, to: str | None = None, **settings) -> UdpClient:
        return UdpClient(self.client, to or self.lb.ip, **settings)

    def program(self, role: str, command: list[str], log: str) -> Program:
        return self.keep(Program(self.node(role), command, self.folder / log))

    def wrk(self, path: str, seconds: int, connections: int = 32, timeout: int = 15) -> Wrk:
        return self.keep(Wrk(self.client, self.folder, f"http://{self.lb.ip}{path}", seconds,
                             connections, timeout))

    def balance(self, *servers, settings: dict | None = None, **service) -> Poise:
        """Starts Poise with one service `web` on port 80 of every address of the balancer."""
        return self.serve({"services": {"web": self.service(*servers, **service)}},
                          **(settings or {}))

    def service(self, *servers, **service) -> dict:
        """A service over the servers named by role ("s1"), or given as mappings."""
        rows = [self.entry(one) for one in servers]
        return {"listen": ":80", "health": {"check": "tcp", "interval": "200ms",
                                            "timeout": "200ms", "fall": 2, "rise": 1},
                "servers": rows} | service

    def entry(self, server) -> dict:
        """A mapping for a server: a role, or a mapping with `role` (and `port`)."""
        given = {"role": server} if isinstance(server, str) else dict(server)
        role = given.pop("role")
        port = given.pop("port", 80)
        return {"name": role, "address": f"{self.node(role).ip}:{port}"} | given

    def serve(self, config: dict, port: int = 80, **settings) -> Poise:
        maker = stand_in.HaproxyStandIn if stand_in.wanted() else Poise
        self.poise = self.keep(maker(self.lb, self.folder, config, settings))
        self.poise.wait_listening(self.lb.ip, port)
        return self.poise

    def load(self, target: str = "/1k", **settings) -> Load:
        return self.keep(Load(self, target, **settings))

    def connect(self, source: str | None = None, port: int = 80, timeout: float = 10) -> Wire:
        """A client's connection to the balancer."""
        return Wire(self.client.connect(self.lb.ip, port, source, timeout))

    def connect_tls(self, name: str = "site.test", port: int = 443) -> Wire:
        """The same inside TLS; the certificate is to be of the lab's authority."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        plain = self.client.connect(self.lb.ip, port, None, 10)
        return Wire(context.wrap_socket(plain, server_hostname=name))

    def http2(self, *settings: tuple[int, int], port: int = 80, hello: bool = True) -> Http2Wire:
        """A client's HTTP/2 connection to the balancer, with prior knowledge."""
        return Http2Wire(self.client.connect(self.lb.ip, port, None, 10), *settings, hello=hello)

    def ask(self, target: str = "/name", method: str = "GET", body: bytes = b"",
            source: str | None = None, **fields: str) -> Message:
        """One request on a connection of its own."""
        with self.connect(source) as wire:
            return wire.ask(method, target, body, **fields)

    def end(self) -> None:
        errors = []
        for stop in reversed(self.endings):
            try:
                stop()
            except Exception as error:  # all must end, whatever one of them says
                errors.append(error)
        self.network.remove()
        assert not errors, errors
