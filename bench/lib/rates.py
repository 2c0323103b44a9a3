"""The rate at which rows of kind "rate" run: a share of what the better rival can do at most."""

from pathlib import Path

from .load import run_open_loop
from .products import Place, Product, free_ports, wait_until_answers
from .results import OLD, OURS

MORE_THAN_ANY = 200_000  # requests a second
WARM_UP_SECONDS = 1


def saturation(products: list[Product], connections: int, origin: str, seconds: float,
               folder: Path, open_loop: str) -> float:
    """Answers a second of the best rival, or of ours when there is none, when more requests come
    than it can answer."""
    rivals = [product for product in products if product.name not in (OURS, OLD)] or products
    return max(_answers_a_second(product, connections, origin, seconds, folder, open_loop)
               for product in rivals)


def _answers_a_second(product: Product, connections: int, origin: str, seconds: float,
                      folder: Path, open_loop: str) -> float:
    place = Place(*free_ports(6), origin, folder)
    with product.start(place) as proxy:
        wait_until_answers(proxy, place.http_port)
        for span in (WARM_UP_SECONDS, seconds):
            result = run_open_loop(open_loop, place.http_port, "/1k", connections, MORE_THAN_ANY,
                                   span)
    return result["in_time"] * 1e6 / result["micros"]
