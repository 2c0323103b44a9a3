"""Fixtures of the lab: a network of its own for each scenario, cleaned up even after a failure."""

import os
import resource
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib import company, network, pair_rows, programs, stand_in  # noqa: E402
from lib.https import Authority  # noqa: E402
from lib.lab import Lab  # noqa: E402

TOOLS = ("ip", "nft", "wrk", "curl", "nginx")


def why_not() -> str | None:
    """Why network scenarios cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    for tool in (*TOOLS, programs.ORIGIN):
        if shutil.which(tool) is None:
            return f"'{tool}' is missing (./dev deps, ./dev build)"
    if not stand_in.wanted() and shutil.which(programs.POISE) is None:
        return f"no binary at {programs.POISE} (./dev build, or set POISE_BIN)"
    return None


@pytest.fixture(scope="session", autouse=True)
def session_limits():
    """Children inherit the highest limit on open files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if os.geteuid() == 0 and shutil.which("ip"):
        network.remove_leftovers()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Beside what it bears of another run."""
    with company.place(alone=item.get_closest_marker("alone") is not None):
        yield


@pytest.fixture
def lab(tmp_path):
    reason = why_not()
    if reason:
        pytest.skip(reason)
    world = Lab(tmp_path)
    try:
        yield world
    finally:
        world.end()


@pytest.fixture
def authority(lab):
    """Makes certificates in the lab's folder."""
    return Authority(lab.folder)


@pytest.fixture(scope="module")
def module_lab(tmp_path_factory):
    """One lab for all cases of a table, which leave nothing behind."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    world = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield world
    finally:
        world.end()


@pytest.fixture
def poise_binary():
    if shutil.which(programs.POISE) is None:
        pytest.skip(f"no binary at {programs.POISE} (./dev build, or set POISE_BIN)")
    return programs.POISE


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed scenario shows the end of the balancer's log; one of the pair leaves its row."""
    report = (yield).get_result()
    made = getattr(item, "funcargs", {})
    world = made.get("lab")
    if report.when == "call" and report.failed and world is not None and world.poise is not None:
        report.sections.append(("log of the balancer", world.poise.output()[-3000:]))
    if report.when == "call" and (row := getattr(made.get("world"), "row", None)):
        report.user_properties.append((pair_rows.KEY, row))


def pytest_terminal_summary(terminalreporter):
    """What each failure of a pair cost."""
    pair_rows.show(terminalreporter)
