"""What happens to the active node, one function each: returns the time at which it did."""

import time
from typing import Callable

from .pair import Pair

Scenario = Callable[[object, Pair, object], float]


def kill(product, _pair, active) -> float:
    since = time.time()
    product.kill(active)
    return since


def kill_all(product, _pair, active) -> float:
    """And what watches over it, if anything does."""
    since = time.time()
    product.kill_all(active)
    return since


def freeze(product, _pair, active) -> float:
    since = time.time()
    product.freeze(active)
    return since


def link_down(_product, _pair, active) -> float:
    since = time.time()
    active.link(False)
    return since


def cut(_product, _pair, active) -> float:
    """As when the power goes: its link seems up to it, and nothing passes."""
    since = time.time()
    active.plug(False)
    return since


def heal(product, pair, active) -> float:
    """Cut for three seconds, and back: counted from the moment it is back."""
    cut(product, pair, active)
    time.sleep(3)
    since = time.time()
    active.plug(True)
    return since


def loss(percent: int) -> Scenario:
    def lose(_product, pair, _active) -> float:
        for node in pair.nodes:
            pair.lose(node, percent)
        return time.time()
    return lose


def lost_announcement(product, pair, active) -> float:
    """The client never hears a gratuitous ARP; then the active node is cut off."""
    pair.lose_gratuitous(pair.client)
    return cut(product, pair, active)


def planned(product, _pair, active) -> float:
    since = time.time()
    product.hand_over(active)
    return since


# What, for how many seconds it is watched, and how often it is done for a median.
SCENARIOS: dict[str, tuple[str, Scenario, float]] = {
    "kill": ("SIGKILL of the active one", kill, 6),
    "killall": ("SIGKILL of all its processes", kill_all, 6),
    "freeze": ("SIGSTOP of the active one", freeze, 6),
    "link": ("its link goes down", link_down, 6),
    "cut": ("it is cut off (power)", cut, 6),
    "heal": ("cut off, and back after 3 s", heal, 6),
    "loss10": ("10 % loss between both", loss(10), 15),
    "loss30": ("30 % loss between both", loss(30), 15),
    "garp": ("cut off, gratuitous ARP lost", lost_announcement, 15),
    "planned": ("planned switch-over", planned, 5),
}
