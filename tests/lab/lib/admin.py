"""A client of the administration: JSON in, JSON out, with the session's cookie and CSRF value."""

import http.client
import json
import ssl
import subprocess

from .network import Node
from .programs import POISE, wait_for

PASSWORD = "correct horse battery"


class Answer:
    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class AdminClient:
    """Talks from `node` to `address`; each request has a connection of its own."""

    def __init__(self, node: Node, address: str = "127.0.0.1", port: int = 9443, tls: bool = True):
        self.node, self.address, self.port, self.tls = node, address, port, tls
        self.cookie = self.csrf = self.token = ""
        self.origins = {}

    def connect(self, timeout: float = 10):
        plain = self.node.connect(self.address, self.port, timeout=timeout)
        if not self.tls:
            return plain
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(plain)

    def ask(self, method: str, path: str, body=None, **fields: str) -> Answer:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        if self.cookie:
            headers.setdefault("Cookie", self.cookie)
        if self.csrf:
            headers.setdefault("X-CSRF-Token", self.csrf)
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        data = None
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        connection = http.client.HTTPConnection(self.address, self.port)
        connection.sock = self.connect()
        try:
            connection.request(method, path, data, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str):
        answer = self.ask("GET", path)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json

    def sign_in(self, user: str, password: str = PASSWORD) -> Answer:
        answer = self.ask("POST", "/api/v1/session", {"user": user, "password": password})
        if answer.status == 200:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
            self.csrf = answer.json["csrf"]
        return answer


def add_user(lab, name: str, role: str = "administrator") -> None:
    command = [POISE, "user", "add", name, "--role", role, "--node", "node.yaml"]
    done = subprocess.run(command, input=PASSWORD + "\n", capture_output=True, text=True,
                          timeout=20, check=False, cwd=lab.folder)
    assert done.returncode == 0, done.stderr


def make_token(lab, name: str, role: str) -> str:
    command = [POISE, "user", "token", name, "--role", role, "--node", "node.yaml"]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True,
                          cwd=lab.folder).stdout.strip()


def listens(node: Node, address: str, port: int) -> bool:
    try:
        node.connect(address, port, timeout=1).close()
        return True
    except OSError:
        return False


def administered(lab, *roles: str, https: str = ":9443", alerts: dict | None = None,
                 **service) -> AdminClient:
    """Starts Poise over s1 and s2 with a user a role, named after it; a client on the node itself.

    The first role is signed in; without roles there are no users.
    """
    folder = lab.folder / "state"
    origins = {name: lab.origin(name) for name in ("s1", "s2")}
    settings = {"admin": {"http": ":9080", "https": https, "state_dir": str(folder)}}
    if alerts:
        settings["alerts"] = alerts
    if roles:
        (lab.folder / "node.yaml").write_text("{}\n")
        add_user(lab, "administrator")
        for role in roles:
            if role != "administrator":
                add_user(lab, role, role)
    lab.balance("s1", "s2", settings=settings, **service)
    client = AdminClient(lab.lb)
    client.origins = origins
    wait_for("the administration answers", lambda: listens(lab.lb, "127.0.0.1", 9443))
    if roles:
        assert client.sign_in(roles[0]).status == 200
    return client
