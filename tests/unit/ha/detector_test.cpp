#include "ha/detector.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

const Time start{std::chrono::hours(1)};

// Beats and ticks every 10 ms; `comes(path, n)` says whether beat n comes on a path.
struct Line {
    Detector detector;
    Time now = start;
    std::uint64_t n = 0;
    std::size_t paths;

    explicit Line(std::size_t of = 1) : detector(10ms, of), paths(of) {}

    template <typename Comes>
    void run(int beats, Comes comes) {
        for (int i = 0; i < beats; ++i) {
            now += 10ms;
            ++n;
            for (std::size_t path = 0; path < paths; ++path)
                if (comes(path)) detector.received(path, n, now);
            detector.tick(now);
        }
    }
    // Ticks without beats until the peer counts as gone.
    std::chrono::milliseconds silence_until_gone() {
        const Time last = now;
        while (detector.alive() && now - last < 2s) {
            now += 1ms;
            if ((now - last) % 10ms == 0ms) detector.tick(now);
        }
        return std::chrono::duration_cast<std::chrono::milliseconds>(now - last);
    }
};

}  // namespace

TEST_SUITE("ha/detector") {
    TEST_CASE("how many beats may be missing follows the loss") {
        const struct {
            double loss;
            int misses;
        } rows[] = {{0, 3}, {0.0001, 3}, {0.01, 4}, {0.1, 7}, {0.3, 13}, {0.9, 20}, {1, 20}};

        for (const auto& row : rows) {
            CAPTURE(row.loss);
            CHECK(misses_allowed(row.loss, 10ms) == row.misses);
        }
    }

    TEST_CASE("on a clean line a dead node is seen within 50 ms") {
        Line line;
        line.run(1000, [](std::size_t) { return true; });
        CHECK(line.detector.alive());

        CHECK(line.silence_until_gone() <= 50ms);
    }

    TEST_CASE("a lossy line gets more patience, and is not mistaken for a dead node") {
        for (const double loss : {0.01, 0.1, 0.3}) {
            CAPTURE(loss);
            Line line;
            std::mt19937_64 random(7);
            std::uniform_real_distribution<double> chance(0, 1);
            int gone = 0;
            for (int i = 0; i < 60'000; ++i) {
                line.run(1, [&](std::size_t) { return chance(random) >= loss; });
                if (i > 200 && !line.detector.alive()) ++gone;
            }

            CHECK(gone == 0);
            CHECK(line.silence_until_gone() <= 250ms);
        }
    }

    TEST_CASE("one of two paths is enough") {
        Line line(2);
        line.run(500, [](std::size_t) { return true; });

        line.run(500, [](std::size_t path) { return path == 1; });

        CHECK(line.detector.alive());
        CHECK_FALSE(line.detector.path_up(0));
        CHECK(line.detector.path_up(1));
    }

    TEST_CASE("a node that woke late itself does not claim that the other one is gone") {
        Line line;
        line.run(1000, [](std::size_t) { return true; });

        line.now += 300ms;  // this node was frozen, and nothing was left in the socket's buffer
        line.detector.tick(line.now);
        CHECK(line.detector.alive());

        CHECK(line.silence_until_gone() >= 25ms);
        CHECK_FALSE(line.detector.alive());
    }

    TEST_CASE("beats that come late but come widen the limit, up to a bound") {
        Line line;
        line.run(500, [](std::size_t) { return true; });
        const auto before = line.detector.limit(0);
        for (int i = 0; i < 20; ++i) {
            line.run(5, [](std::size_t) { return true; });
            line.now += 20ms;
        }

        CHECK(line.detector.limit(0) > before);
        CHECK(line.detector.limit(0) <= 110ms);
    }

    TEST_CASE("who says goodbye is gone at once, until it is heard again") {
        Line line;
        line.run(100, [](std::size_t) { return true; });

        line.detector.leaving();
        CHECK_FALSE(line.detector.alive());
        line.run(1, [](std::size_t) { return false; });
        CHECK_FALSE(line.detector.alive());

        line.run(1, [](std::size_t) { return true; });
        CHECK(line.detector.alive());
    }

    TEST_CASE("a node that has started anew counts from one, and that is no loss") {
        Line line;
        line.run(1000, [](std::size_t) { return true; });
        line.detector.new_session();
        line.n = 0;

        line.run(100, [](std::size_t) { return true; });

        CHECK(line.detector.loss(0) == 0);
    }

    TEST_CASE("one overdue beat is a doubt, until the node counts as gone") {
        Line line;
        line.run(100, [](std::size_t) { return true; });
        CHECK_FALSE(line.detector.doubtful());

        line.run(2, [](std::size_t) { return false; });

        CHECK(line.detector.doubtful());
        CHECK(line.detector.alive());

        line.run(10, [](std::size_t) { return false; });

        CHECK_FALSE(line.detector.alive());
        CHECK_FALSE(line.detector.doubtful());
    }

    TEST_CASE("the history forgets") {
        LossHistory history;
        history.received(20);
        CHECK(history.longest_burst() == 20);
        CHECK(history.loss() > 0.9);

        for (std::size_t i = 0; i < 2 * LossHistory::kept; ++i)
            history.received(0);

        CHECK(history.loss() == 0);
        CHECK(history.longest_burst() == 0);
    }
}
