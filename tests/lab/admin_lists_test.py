"""Who is kept where, over the API: clients of persistence, flows of layer 4."""

from lib.admin import AdminClient, add_user, administered, listens
from lib.layer4 import VIP, Caller, Echo, add_vip, common, nat_server, second_arm, wait_for_service
from lib.programs import wait_for


def test_a_client_is_found_by_its_address_and_forgotten(lab):
    client = administered(lab, "operator", "viewer",
                          persistence={"method": "source", "timeout": "10m"})
    served = lab.ask().body.decode().split()[0]
    path = "/api/v1/services/web/clients"
    found = client.get(f"{path}?client={lab.client.ip}")
    assert (found["total"], found["matched"]) == (1, 1)
    entry = found["clients"][0]
    assert entry["server"] == served
    assert 500 < entry["expires_in_s"] <= 600
    assert client.get(f"{path}?client=10.0.0.1")["matched"] == 0
    assert client.get(f"{path}?server={served}")["matched"] == 1
    assert client.ask("GET", "/api/v1/services/none/clients").status == 404
    viewer = AdminClient(lab.lb)
    viewer.sign_in("viewer")
    assert viewer.get(path)["matched"] == 1
    assert viewer.ask("DELETE", f"{path}/{entry['key']}").status == 403
    assert client.ask("DELETE", f"{path}/{entry['key']}").status == 204
    assert client.ask("DELETE", f"{path}/{entry['key']}").status == 404
    assert client.get(path)["matched"] == 0


def test_flows_of_layer_4_are_listed_and_filtered(lab):
    second_arm(lab)
    servers = {role: nat_server(lab, role) for role in ("s1", "s2")}
    for role, node in servers.items():
        lab.keep(Echo(node, 8080, role))
    add_vip(lab)
    (lab.folder / "node.yaml").write_text("{}\n")
    add_user(lab, "administrator")
    service = common("nat") | {"listen": f"{VIP}:80",
                               "servers": [{"name": role, "address": f"{node.ip}:8080"}
                                           for role, node in servers.items()]}
    lab.serve({"services": {"web": service}},
              admin={"https": ":9443", "state_dir": str(lab.folder / "state")})
    wait_for_service(lab, VIP, 80)
    client = AdminClient(lab.lb)
    wait_for("the administration answers", lambda: listens(lab.lb, "127.0.0.1", 9443))
    assert client.sign_in("administrator").status == 200
    callers = [Caller(lab, VIP, 80) for _ in range(4)]
    flows = client.get("/api/v1/flows?limit=1000")
    open_now = [one for one in flows["flows"] if one["state"] == "established"]
    assert flows["whole"] and len(open_now) >= 4
    assert {one["server"] for one in open_now} == {one.server for one in callers} == {"s1", "s2"}
    assert all(one["client"].startswith(lab.client.ip + ":") for one in open_now)
    assert all(one["listen"] == f"{VIP}:80" and one["service"] == "web" for one in open_now)
    of_s1 = client.get("/api/v1/flows?server=s1")["flows"]
    assert of_s1 and {one["server"] for one in of_s1} == {"s1"}
    assert client.get("/api/v1/flows?service=other")["flows"] == []
    assert client.get("/api/v1/flows?client=10.1.2.3")["flows"] == []
    assert len(client.get("/api/v1/flows?limit=1")["flows"]) == 1
    assert client.ask("GET", "/api/v1/flows?limit=0").status == 400
