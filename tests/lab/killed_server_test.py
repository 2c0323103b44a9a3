"""A server that dies costs no client anything."""

import time

import pytest


def test_server_killed_under_load_fails_no_request(lab):
    origins = [lab.origin(role) for role in ("s1", "s2", "s3")]
    lab.balance("s1", "s2", "s3")
    load = lab.load()

    time.sleep(1)
    origins[1].kill()
    time.sleep(1)

    load.finish(least=500).expect_no_failure()
    assert set(load.origins) == {"s1", "s2", "s3"}


def test_server_killed_at_full_speed_fails_no_request(lab):
    origins = [lab.origin(role) for role in ("s1", "s2", "s3")]
    lab.balance("s1", "s2", "s3")
    load = lab.wrk("/1k", seconds=3, connections=64)

    time.sleep(1.5)
    origins[1].kill()

    result = load.result()
    assert result["requests"] > 1000
    assert result["failed"] == 0, result


@pytest.mark.parametrize("cut", ["drop", "link_down"])
def test_server_cut_off_under_load_fails_no_request(lab, cut):
    for role in ("s1", "s2", "s3"):
        lab.origin(role)
    lab.balance("s1", "s2", "s3", timeouts={"connect": "1s"})
    load = lab.load(patience=5)

    time.sleep(1)
    lab.node("s2").drop_everything() if cut == "drop" else lab.node("s2").link(up=False)
    time.sleep(3)

    load.finish(least=500).expect_no_failure()


def test_without_another_server_the_load_sees_the_death(lab):
    """Proves the measuring stick: with nobody to retry on, the same kill must show."""
    origin = lab.origin("s1")
    lab.balance("s1")
    load = lab.load(clients=4)

    time.sleep(0.5)
    origin.kill()
    time.sleep(0.3)

    assert load.finish().failures


def test_a_server_that_comes_back_is_used_again(lab):
    first = lab.origin("s1")
    lab.origin("s2")
    lab.balance("s1", "s2")
    first.kill()
    for _ in range(10):
        assert lab.ask().body == b"s2\n"

    lab.origin("s1")
    deadline = time.monotonic() + 5
    seen = set()
    while seen != {b"s1\n", b"s2\n"} and time.monotonic() < deadline:
        seen.add(lab.ask().body)
    assert seen == {b"s1\n", b"s2\n"}
