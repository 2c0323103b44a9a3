// What the last minute was like, whatever came before it.
#include "app/latency_window.hpp"

#include <doctest/doctest.h>

using namespace poise;
using namespace poise::app;
using namespace std::chrono_literals;

namespace {

struct World {
    World() {
        auto service = std::make_unique<proxy::Service>();
        service->configured.name = "web";
        service->counters = {std::make_shared<proxy::ServiceCounters>(),
                             std::make_shared<proxy::ServiceCounters>()};
        generation.services.push_back(std::move(service));
    }
    const proxy::Service& web() const { return *generation.services[0]; }
    void answer(std::size_t worker, std::chrono::microseconds taken) const {
        web().counters[worker]->head_time.add(taken);
        web().counters[worker]->total_time.add(taken + 1ms);
    }
    ServiceLatency recent() const { return window.recent("web", latency_of(web())); }

    proxy::Generation generation;
    LatencyWindow window;
    LatencyWindow::Time time{1000h};
};

}  // namespace

TEST_SUITE("app/latency_window") {
    TEST_CASE("all workers count, and before the first copy all is recent") {
        World here;
        here.answer(0, 1ms);
        here.answer(1, 2ms);

        CHECK(here.recent().head.total() == 2);
        CHECK(here.recent().total.sum_us == 5'000);
    }

    TEST_CASE("what is more than a minute ago is not of the last minute") {
        World here;
        here.answer(0, 500ms);
        for (int i = 0; i < 40; ++i) {
            here.window.look(here.generation, here.time);
            here.time += 2s;
        }
        CHECK(here.recent().head.total() == 0);
        here.answer(1, 3ms);
        CHECK(here.recent().head.total() == 1);
        CHECK(here.recent().head.percentile_us(0.99) < 4'000);
        CHECK(latency_of(here.web()).head.total() == 2);
    }

    TEST_CASE("copies are taken each ten seconds, so that the window has a minute") {
        World here;
        for (int i = 0; i < 120; ++i) {
            here.answer(0, 1ms);  // one in two seconds
            here.window.look(here.generation, here.time);
            here.time += 2s;
        }
        CHECK(here.recent().head.total() >= 30);
        CHECK(here.recent().head.total() <= 35);
    }

    TEST_CASE("a service that came later, or anew, counts from its start") {
        World here;
        here.window.look(here.generation, here.time);
        World other;
        other.answer(0, 1ms);
        CHECK(here.window.recent("shop", latency_of(other.web())).head.total() == 1);
        here.answer(0, 1ms);
        here.answer(0, 1ms);
        here.time += 11s;
        here.window.look(here.generation, here.time);
        CHECK(here.window.recent("web", latency_of(other.web())).head.total() <= 1);
    }
}
