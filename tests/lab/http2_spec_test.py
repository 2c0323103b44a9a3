"""The cases of h2spec: a server takes good frames, and answers bad ones as RFC 9113 says."""

import pytest

from lib import h2spec_frames  # noqa: F401  its cases are in the list
from lib.frames import ACK, SETTINGS
from lib.h2spec import CASES


@pytest.fixture(scope="module")
def cases_lab(module_lab):
    module_lab.origin("s1")
    module_lab.balance("s1", settings={"node": {"workers": 1}}, health={"check": "none"})
    return module_lab


def check(wire, case, stream) -> None:
    if case.outcome == "served":
        assert wire.answer(stream).status in (200, 405)
    elif case.outcome == "alive":
        assert wire.serves() and wire.goaway is None
        assert wire.ask(wire.fields(path="/1")).status == 200
    elif case.outcome == "settings":
        assert wire.take().type == SETTINGS
    elif case.outcome == "acknowledged":
        wire.until(lambda: any(one.type == SETTINGS and one.flags & ACK for one in wire.frames))
    elif case.outcome == "closes":
        wire.until(lambda: wire.closed)
    elif case.outcome == "stream":
        assert wire.reset_of(stream) in case.codes
    else:
        assert wire.end_code() in (*case.codes, -1)


@pytest.mark.parametrize("case", CASES, ids=[f"{one.number}: {one.sentence}" for one in CASES])
def test_h2spec(cases_lab, case):
    with cases_lab.http2(*case.settings, hello=case.hello) as wire:
        check(wire, case, case.send(wire))
    assert cases_lab.poise.alive()
