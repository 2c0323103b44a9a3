"""Chromium without a screen, driven by WebDriver over plain HTTP: no other package is needed."""

import base64
import http.client
import json
import shutil
from pathlib import Path

from .network import Node
from .programs import Program, wait_for

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
SHOTS = Path(__file__).resolve().parents[3] / "build/screenshots"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors",
             "--hide-scrollbars", "--force-device-scale-factor=1", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-extensions"]


def missing() -> str | None:
    for tool in ("chromium", "chromedriver"):
        if shutil.which(tool) is None:
            return f"'{tool}' is missing (./dev deps)"
    return None


class Browser:
    """One window in `node`; its requests go to the driver inside the same namespace."""

    PORT = 9515

    def __init__(self, node: Node, folder: Path):
        self.node = node
        node.settle()
        self.driver = Program(node, ["chromedriver", f"--port={self.PORT}"],
                              folder / "chromedriver.log")
        self.session = ""
        wait_for("chromedriver answers", self._ready, 30)
        options = {"args": [*ARGUMENTS, f"--user-data-dir={folder / 'chromium'}"]}
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": True, "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = f"/session/{made['sessionId']}"

    def _ready(self) -> bool:
        try:
            return self._call("GET", "/status")["ready"]
        except OSError:
            return False

    def _call(self, method: str, path: str, body: dict | None = None):
        connection = http.client.HTTPConnection("127.0.0.1", self.PORT)
        connection.sock = self.node.connect("127.0.0.1", self.PORT, timeout=60)
        try:
            connection.request(method, self.session + path,
                               json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{path}: {answer['error']}: {answer['message'][:300]}")
        return answer

    def stop(self) -> None:
        try:
            self._call("DELETE", "")
        finally:
            self.driver.stop()

    def go(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def block(self, *urls: str) -> None:
        """From now on requests for these, with "*" for any text, fail; without any, none does."""
        for command, settings in (("enable", {}), ("setBlockedURLs", {"urls": list(urls)})):
            self._call("POST", "/goog/cdp/execute", {"cmd": f"Network.{command}",
                                                     "params": settings})

    def run(self, script: str, *arguments):
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self) -> str:
        return self.run("return document.body.innerText")

    def size(self, width: int, height: int) -> None:
        self._call("POST", "/goog/cdp/execute", {
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": {"width": width, "height": height, "deviceScaleFactor": 1,
                       "mobile": width < 600}})

    def find(self, css: str, text: str = "", seconds: float = 15):
        """The first visible element that matches and holds `text`, waited for."""
        script = """return [...document.querySelectorAll(arguments[0])].find((one) =>
            one.checkVisibility() && one.textContent.includes(arguments[1])) || null"""
        return wait_for(f"{css} with '{text}'", lambda: self.run(script, css, text), seconds)

    def _on(self, css: str, text: str, what: str, *steps: tuple[str, dict]) -> None:
        """What is drawn anew each second may go between finding and using: then once more."""
        def done():
            try:
                element = self.find(css, text)[ELEMENT]
                for step, body in steps:
                    self._call("POST", f"/element/{element}/{step}", body)
                return True
            except AssertionError as error:
                if "stale" in str(error) or "intercept" in str(error):
                    return False
                raise
        wait_for(f"{what} {css}", done)

    def click(self, css: str, text: str = "") -> None:
        self._on(css, text, "a click on", ("click", {}))

    def type(self, css: str, text: str) -> None:
        self._on(css, "", "typing into", ("clear", {}), ("value", {"text": text}))

    def sees(self, text: str, seconds: float = 15) -> None:
        wait_for(f"'{text}' on the page", lambda: text in self.text(), seconds)

    def shot(self, name: str) -> None:
        """In light and dark, as wide as a desk and as a phone; see build/screenshots."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        for theme in ("light", "dark"):
            self.run("document.documentElement.dataset.theme = arguments[0]", theme)
            for width, height in ((1280, 900), (390, 844)):
                self.size(width, height)
                data = self._call("GET", "/screenshot")
                (SHOTS / f"{name}-{theme}-{width}.png").write_bytes(base64.b64decode(data))
        self.run("delete document.documentElement.dataset.theme")
        self.size(1280, 900)

    def complaints(self) -> list[str]:
        """What the page has written to the console as errors: a broken rule of the CSP, too."""
        lines = self._call("POST", "/se/log", {"type": "browser"})
        return [one["message"] for one in lines if one["level"] == "SEVERE"
                and "status of 4" not in one["message"]]  # answers that the test asked for
