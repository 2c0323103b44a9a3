"""IPv4 and IPv6, in front and behind, also mixed."""

import json

import pytest


@pytest.mark.parametrize("front", ["ip", "ip6"])
@pytest.mark.parametrize("behind", ["ip", "ip6"])
def test_every_mix_of_families_works(lab, front, behind):
    lab.origin("s1")
    server = lab.node("s1")
    address = server.ip if behind == "ip" else f"[{server.ip6}]"
    lab.serve({"services": {"web": lab.service() | {"servers": [f"{address}:80"]}}})

    url = lab.lb.ip if front == "ip" else f"[{lab.lb.ip6}]"
    done = lab.client.run(["curl", "-sS", "-m", "5", f"http://{url}/headers"])

    seen = {name.lower(): value for name, value in json.loads(done.stdout)["fields"]}
    client = lab.client.ip if front == "ip" else lab.client.ip6
    assert seen["x-forwarded-for"] == client
    assert seen["host"] == url


def test_an_exact_listener_takes_only_its_address(lab):
    lab.origin("s1")
    lab.lb.add_address("10.77.0.50")
    lab.balance("s1", listen=f"{lab.lb.ip}:80")

    assert lab.ask().status == 200
    with pytest.raises(OSError):
        lab.client.connect("10.77.0.50", 80, timeout=1)
