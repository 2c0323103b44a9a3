"""SIGTERM lets clients finish, within a limit; SIGINT does not wait."""

import signal
import time

import pytest

from lib.programs import wait_for


def refused(lab) -> bool:
    try:
        lab.connect(timeout=1).close()
        return False
    except OSError:
        return True


def test_sigterm_finishes_what_runs_and_refuses_what_is_new(lab):
    lab.origin("s1")
    poise = lab.balance("s1")
    idle = lab.connect()
    assert idle.ask("GET", "/name").status == 200
    running = lab.connect()
    running.request("GET", "/slow/50/1/40")
    assert running.head().status == 200

    poise.signal(signal.SIGTERM)
    wait_for("the door is shut", lambda: refused(lab))

    assert idle.ends_within(1), "an idle client is told to go"
    assert len(running.take(50)) == 50
    assert poise.process.wait(3) == 0


@pytest.mark.alone  # how many are between two requests is a matter of the clients' share
def test_sigterm_fails_no_request_of_a_load(lab):
    """A client may meet a closed door, but what was taken in is answered."""
    lab.origin("s1")
    poise = lab.balance("s1")
    load = lab.load(target="/delay/20", clients=16)
    time.sleep(0.5)

    poise.signal(signal.SIGTERM)
    assert poise.process.wait(5) == 0
    load.finish()

    # Refused: the door is shut. Cut or reset between two requests: the keep-alive race that every
    # client knows; with `Connection: close` on the last answers it must be rare.
    taken = [failure for failure in load.failures if "Refused" not in failure]
    assert len(taken) <= 2, taken


def test_the_drain_ends_by_its_limit(lab):
    lab.origin("s1")
    poise = lab.balance("s1", timeouts={"drain": "1s"})
    stuck = lab.connect()
    stuck.request("GET", "/slow/1k/1/100")
    stuck.head()

    start = time.monotonic()
    poise.signal(signal.SIGTERM)
    assert poise.process.wait(5) == 0
    assert 0.7 < time.monotonic() - start < 3
    assert stuck.ends_within(1)


def test_sigint_stops_at_once(lab):
    lab.origin("s1")
    poise = lab.balance("s1")
    stuck = lab.connect()
    stuck.request("GET", "/slow/1k/1/100")
    stuck.head()

    poise.signal(signal.SIGINT)

    assert poise.process.wait(2) == 0


def test_the_control_socket_is_gone_after_a_stop(lab):
    lab.origin("s1")
    poise = lab.balance("s1")
    assert poise.control.exists()
    assert poise.control.stat().st_mode & 0o077 == 0, "for its owner alone"

    poise.signal(signal.SIGTERM)
    poise.process.wait(5)

    assert not poise.control.exists()
    assert poise.run("status").returncode == 1
