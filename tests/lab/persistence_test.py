"""A client stays on its server, and survives that server's death."""

import json
import re

from lib.programs import wait_for


def cookie_of(answer) -> str | None:
    for value in answer.all("Set-Cookie"):
        if found := re.match(r"POISE=([^;]+)", value):
            return found.group(1)
    return None


def test_a_cookie_keeps_the_client_on_its_server(lab):
    for role in ("s1", "s2", "s3"):
        lab.origin(role)
    lab.balance("s1", "s2", "s3", persistence={"method": "cookie"})
    first = lab.ask()
    value = cookie_of(first)
    attributes = first.get("Set-Cookie")

    assert "Path=/" in attributes and "HttpOnly" in attributes and "SameSite=Lax" in attributes
    assert "10.77" not in value and "s1" not in value.split("."), "the value reveals nothing"
    for _ in range(12):
        again = lab.ask(Cookie=f"a=b; POISE={value}; c=d")
        assert again.body == first.body
        assert cookie_of(again) is None, "only an answer to a request without it sets it"


def test_the_cookie_survives_the_servers_failure_with_a_new_one(lab):
    origins = {role: lab.origin(role) for role in ("s1", "s2")}
    lab.balance("s1", "s2", persistence={"method": "cookie"})
    first = lab.ask()
    value = cookie_of(first)

    origins[first.get("X-Origin")].kill()
    second = lab.ask(Cookie=f"POISE={value}")

    assert second.status == 200
    assert second.body != first.body
    assert cookie_of(second) not in (None, value)
    assert lab.ask(Cookie=f"POISE={cookie_of(second)}").body == second.body


def test_servers_never_see_the_cookie_and_forgery_chooses_nothing(lab):
    lab.origin("s1")
    lab.origin("s2")
    lab.balance("s1", "s2", persistence={"method": "cookie"})
    value = cookie_of(lab.ask())

    seen = json.loads(lab.ask("/headers", Cookie=f"a=b; POISE={value}; c=d").body)["fields"]
    cookies = [text for name, text in seen if name.lower() == "cookie"]
    assert cookies == ["a=b; c=d"], cookies
    for forged in ("s1", value[:-1] + ("A" if value[-1] != "A" else "B"), "", "x" * 4000):
        answer = lab.ask(Cookie=f"POISE={forged}")
        assert answer.status == 200
        assert cookie_of(answer) is not None, f"{forged[:20]!r} was believed"


def test_a_source_address_stays_on_its_server(lab):
    origins = {role: lab.origin(role) for role in ("s1", "s2")}
    lab.balance("s1", "s2", persistence={"method": "source", "timeout": "5m"})
    sources = [f"10.77.0.{number}" for number in range(100, 108)]
    for source in sources:
        lab.client.add_address(source)
    first = {source: lab.ask(source=source).body for source in sources}

    assert set(first.values()) == {b"s1\n", b"s2\n"}, "clients spread"
    for _ in range(3):
        assert {source: lab.ask(source=source).body for source in sources} == first
    origins["s1"].kill()
    assert {lab.ask(source=source).body for source in sources} == {b"s2\n"}


def test_a_header_keeps_its_value_on_one_server(lab):
    for role in ("s1", "s2", "s3"):
        lab.origin(role)
    poise = lab.balance("s1", "s2", "s3", persistence={"method": "header", "name": "X-User"})
    users = [f"user{number}" for number in range(12)]
    first = {user: lab.ask(X_User=user).body for user in users}

    assert len(set(first.values())) > 1, "users spread"
    for _ in range(3):
        assert {user: lab.ask(X_User=user).body for user in users} == first
    wait_for("the table to be counted",
             lambda: poise.status()["services"][0]["persistence_entries"] >= len(users))


def test_services_behind_one_listener_keep_their_own_cookies(lab):
    """A browser holds both; each service finds its own, and no server sees any."""
    lab.origin("s1")
    lab.origin("s2")
    lab.origin("s3")
    web = lab.service("s1", "s2", persistence="cookie",
                      rules=[{"match": {"path_prefix": "/headers"}, "use": "api"}])
    api = lab.service("s2", "s3", persistence="cookie")
    del api["listen"]
    lab.serve({"services": {"web": web, "api": api}})
    jar, homes = {}, {"/name": set(), "/headers": set()}

    for _ in range(6):
        for path, seen in homes.items():
            cookie = {"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())} if jar else {}
            answer = lab.ask(path, **cookie)
            seen.add(answer.get("X-Origin"))
            assert b"POISE" not in answer.body
            for line in answer.all("Set-Cookie"):
                name, value = line.split(";")[0].split("=", 1)
                assert name not in jar, "set once, never again"
                jar[name] = value

    assert sorted(jar) == ["POISE", "POISE-api"]
    assert all(len(seen) == 1 for seen in homes.values()), homes
