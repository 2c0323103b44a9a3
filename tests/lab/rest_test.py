"""A node that has nothing to do sleeps, whoever is connected."""

import time
from pathlib import Path

SECONDS = 4


def sleeps(pid: int) -> dict[str, int]:
    """How often each worker has gone to sleep."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        if name.startswith("poise-w"):
            lines = (task / "status").read_text().splitlines()
            found[name] = int(next(line.split()[1] for line in lines
                                   if line.startswith("voluntary_ctxt_switches")))
    return found


def test_workers_at_rest_hardly_wake_and_answer_all_the_same(lab):
    lab.origin("s1")
    lab.balance("s1", timeouts={"keep_alive": "1s", "header": "1m"})
    assert lab.connect().ask("GET", "/name").status == 200
    wires = [lab.connect() for _ in range(20)]
    time.sleep(2.5)  # until the connection to the server has expired

    before = sleeps(lab.poise.pid)
    time.sleep(SECONDS)
    after = sleeps(lab.poise.pid)
    assert before
    for name, count in before.items():
        assert after[name] - count <= 5 * SECONDS, name  # 12 and more a second when it ticks

    for wire in wires:
        assert wire.ask("GET", "/name").status == 200
