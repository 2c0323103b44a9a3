"""The web page in a real browser, as an operator uses it. Screenshots: build/screenshots."""

import pytest
import yaml
from lib import browser as chromium
from lib.admin import PASSWORD, add_user, administered
from lib.browser import Browser
from lib.programs import wait_for
from lib.sinks import HookSink

PAGE = "https://127.0.0.1:9443/"


@pytest.fixture
def browser(lab):
    if reason := chromium.missing():
        pytest.skip(reason)
    for role in ("client", "s1", "s2", "other"):
        lab.node(role)  # a new wire makes the browser drop its requests
    return lab.keep(Browser(lab.lb, lab.folder))


def sign_in(browser, user: str, password: str = PASSWORD) -> None:
    browser.type("[name=user]", user)
    browser.type("[name=password]", password)
    browser.click("button", "Sign in")


def test_an_operator_sees_a_failure_and_keeps_it_away(lab, browser):
    servers = administered(lab, "administrator", "operator").origins
    browser.size(1280, 900)
    browser.go(PAGE)
    browser.find("h1", "Poise")
    browser.shot("sign-in")
    sign_in(browser, "operator", "not the password")
    browser.sees("Wrong name or password")
    sign_in(browser, "operator")
    browser.find(".service", "all servers up")
    lab.load("/1k?of-the-page")
    browser.find(".tile", "Requests")
    servers["s1"].kill()
    browser.find(".attention .mark.red", "down", 10)
    browser.sees("connect refused")
    browser.find(".service", "some servers out")
    wait_for("rates on the page", lambda: browser.run(
        "return document.querySelectorAll('.tile .spark .line').length") >= 3)
    browser.shot("overview")

    browser.click("[data-do=drain][data-server=s2]")
    browser.find("dialog", "It takes no new clients")
    browser.click("dialog button.primary", "Drain")
    browser.find(".mark.yellow", "drain")
    wait_for("s2 is drained", lambda: lab.poise.server("web", "s2")["state"] == "drain")
    browser.find(".service", "no server")
    browser.click("[data-do=online][data-server=s2]")
    wait_for("s2 serves", lambda: lab.poise.server("web", "s2")["state"] == "up")
    browser.click("nav a", "Events")
    browser.sees("drain web/s2, by operator")
    browser.shot("events")
    browser.click("nav a", "Configuration")
    browser.find(".editor")
    assert not browser.run("return !!document.querySelector('[data-do=apply]')")
    browser.click("nav a", "Access")
    browser.sees("an administrator's")
    assert not browser.complaints()


def test_an_administrator_changes_the_configuration_and_takes_it_back(lab, browser):
    client = administered(lab, "administrator")
    before = client.get("/api/v1/config")["text"]
    browser.size(1280, 900)
    browser.go(PAGE)
    sign_in(browser, "administrator")
    browser.click("nav a", "Configuration")
    browser.find(".editor textarea")
    write = """const area = document.querySelector('.editor textarea');
        area.value = arguments[0]; area.dispatchEvent(new Event('input'))"""
    browser.run(write, before.replace("servers:", "serverz:"))
    browser.find(".editor .wrong em", "unknown service key 'serverz'")
    browser.shot("editor-error")
    assert browser.run("return document.querySelector('[data-do=apply]').disabled")
    browser.run(write, "# by the page\n" + before.replace("name: s2", "name: second"))
    browser.find(".verdict.good", "second")
    browser.click("[data-do=apply]")
    browser.find("dialog .diff .added", "second")
    browser.shot("apply")
    browser.click("dialog button.primary", "Apply")
    browser.sees("generation 2 is in force")
    assert lab.poise.server("web", "second")
    browser.find(".log", "administrator")
    browser.click("[data-do=revision]")
    browser.click("dialog button.primary", "Roll back")
    browser.sees("generation 3 is in force")
    assert (lab.folder / "poise.yaml").read_text() == before

    browser.click("[data-do=create]")
    browser.type("dialog [name=name]", "shop")
    browser.run("document.querySelector('dialog [name=port]').value = 8088")
    browser.type("dialog [name=servers]", f"{lab.node('s1').ip}\n{lab.node('s2').ip}")
    browser.sees("nothing against it")
    browser.shot("new-service")
    browser.click("dialog button.primary", "Into the editor")
    browser.find(".verdict.good", "shop")
    browser.click("[data-do=apply]")
    browser.click("dialog button.primary", "Apply")
    browser.sees("generation 4 is in force")
    browser.click("nav a", "Access")
    browser.find("tbody th", "administrator")
    browser.shot("access")
    browser.go(PAGE + "#/service/web")
    wait_for("graphs of the history",
             lambda: browser.run("return !!document.querySelector('svg.graph')"), 40)
    browser.shot("service")
    assert not browser.complaints()


def test_the_page_says_what_is_wrong_why_and_what_to_do(lab, browser, authority):
    client = administered(lab, "administrator")
    browser.size(1280, 900)
    browser.go(PAGE)
    paint = wait_for("the first paint", lambda: browser.run(
        "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"))
    print(f"first paint of the page after {paint:.0f} ms")
    sign_in(browser, "administrator")
    browser.find(".service", "all servers up")
    for origin in client.origins.values():
        origin.kill()
    browser.find(".attention", "has no server that can take clients", 20)
    browser.sees("connect refused")
    browser.sees(f"nothing listens on {lab.node('s1').ip}:80: start the server's program there")
    browser.sees("answered 503")
    assert lab.ask().status == 503
    expired = authority("old", "DNS:site.test", days=0)
    text = client.get("/api/v1/config")["text"]
    lab.poise.write(text + yaml.safe_dump({"certificates": [expired]}))
    lab.poise.reload()
    browser.find(".attention", "has expired at ", 20)
    browser.sees("put a new certificate in its place")
    browser.shot("incidents")
    lab.poise.write(text.replace("servers:", "serverz: 1\n    servers:"))
    lab.poise.reload()
    browser.find(".attention", "was refused: ", 20)
    browser.sees("unknown service key 'serverz'")
    browser.click("nav a", "Events")
    browser.click("[data-do=tab][data-tab=failures]")
    browser.sees("Look at the health checks of the pool, or add a fallback server.")
    assert not browser.complaints()


def test_clients_are_looked_for_and_forgotten(lab, browser):
    administered(lab, "operator", persistence={"method": "source", "timeout": "10m"})
    served = lab.ask().body
    browser.go(PAGE)
    sign_in(browser, "operator")
    browser.find(".service", "all servers up")
    browser.go(PAGE + "#/service/web")
    browser.find("section.card table tbody", served.decode().split()[0])
    browser.sees("1 remembered")
    browser.type("[name=client]", "10.0.0.1")
    browser.click("[data-do=find]", "Find")
    browser.sees("0 remembered")
    browser.run("document.querySelector('[name=client]').value = arguments[0]", lab.client.ip)
    browser.click("[data-do=find]", "Find")
    browser.sees("1 remembered")
    browser.click("[data-do=forget]", "Forget")
    browser.click("dialog button.primary", "Forget")
    browser.sees("0 remembered")
    wait_for("the table is empty",
             lambda: lab.poise.service("web")["persistence_entries"] == 0)
    assert not browser.complaints()


def test_the_first_start_has_no_password_and_asks_for_a_user(lab, browser):
    administered(lab)
    browser.go(PAGE)
    browser.sees("This node has no users yet")
    browser.shot("first-start")
    add_user(lab, "alice")
    wait_for("alice is known", lambda: browser.run(
        "return fetch('/api/v1/session').then((a) => a.json()).then((s) => s.has_users)"))
    sign_in(browser, "alice")
    browser.find(".service", "web")


def test_the_page_tells_whether_alerts_get_through(lab, browser):
    hook = HookSink(lab.node("other"), 8080, 0)
    administered(lab, "administrator", alerts={"group": "1s", "webhook": {
        "url": f"http://{lab.node('other').ip}:8080/hook"}})
    browser.go(PAGE)
    sign_in(browser, "administrator")
    browser.find(".service", "all servers up")
    browser.click("nav a", "Events")
    browser.click("[data-do=tab]", "Alerts")
    browser.find("tbody tr", "not tried")
    browser.click("[data-do=test]", "Send a test")
    browser.find("tbody tr", "reached")
    wait_for("the test", lambda: hook.received)
    browser.shot("alerts")
    hook.stop()
    browser.click("[data-do=test]", "Send a test")
    browser.find("tbody tr", "not reached")
    browser.click("nav a", "Overview")
    browser.find(".attention .mark.yellow", "alerts")
    assert not browser.complaints()


def test_a_page_of_which_a_part_has_not_come_tries_again(lab, browser):
    administered(lab, "administrator")
    browser.block("*/overview.js")
    browser.go(PAGE)
    browser.sees("It is tried again.")
    browser.block()
    browser.find("[name=user]")
