"""Health checks of servers that speak TLS."""

import json

from lib.programs import wait_for


def over_tls(lab, port, check=None, **server_tls):
    """A service in front of the balancer's own TLS listener."""
    return {"listen": f":{port}",
            "servers": [{"name": "inner", "address": f"{lab.lb.ip}:443", "tls": True}],
            "server_tls": {"ca": "ca.crt"} | server_tls,
            "health": {"check": "http", "path": "/name", "interval": "200ms", "timeout": "2s",
                       "fall": 2, "rise": 1} | (check or {})}


def test_http_checks_speak_tls_and_verify_as_traffic_does(lab, authority):
    lab.origin("s1")
    web = lab.service("s1", listen=[":80", {"address": ":443", "tls": True}])
    certificate = authority("site", f"DNS:site.test,IP:{lab.lb.ip}")
    services = {"web": web,
                "by_address": over_tls(lab, 81),
                "by_name": over_tls(lab, 82, name="site.test"),
                "other_name": over_tls(lab, 83, name="else.test"),
                "careless": over_tls(lab, 84, name="else.test", verify=False),
                "other_answer": over_tls(lab, 85, {"body": "what nobody says"}),
                "plain_port": over_tls(lab, 86, {"port": 80})}
    # The writer of YAML would share equal parts.
    poise = lab.serve(json.loads(json.dumps({"certificates": [certificate],
                                             "services": services})))

    def state(service):
        server = poise.server(service, "inner")
        return server["state"], server["reason"]

    for good in ("by_address", "by_name", "careless", "plain_port"):
        wait_for(f"{good} is up", lambda name=good: state(name)[0] == "up")
    for bad, why in (("other_name", "certificate refused: hostname mismatch"),
                     ("other_answer", "does not contain")):
        wait_for(f"{bad} is down", lambda name=bad: state(name)[0] == "down")
        assert why in state(bad)[1].lower()
