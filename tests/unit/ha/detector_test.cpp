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
            double loss, after_loss;
            int misses;
        } rows[] = {{0, 0, 3},       {0.0001, 0, 3},  {0.01, 0, 4},     {0.1, 0, 7},
                    {0.3, 0, 13},    {0.9, 0, 20},    {1, 1, 20},       {0.01, 0.01, 4},
                    {0.001, 0.3, 9}, {0.01, 0.5, 18}, {0.001, 0.9, 20}, {0, 1, 3}};

        for (const auto& row : rows) {
            CAPTURE(row.loss);
            CAPTURE(row.after_loss);
            CHECK(misses_allowed(row.loss, row.after_loss, 10ms) == row.misses);
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

    TEST_CASE("after one burst of loss, rows of them are not mistaken for a dead node") {
        for (const int length : {2, 3}) {
            CAPTURE(length);
            Line line;
            std::mt19937_64 random(11);
            line.run(1000, [](std::size_t) { return true; });
            int left = length, gone = 0;
            const auto comes = [&](std::size_t) {
                if (left == 0 && random() % 25 == 0) left = length;
                return left == 0 || left-- == 0;
            };
            for (int i = 0; i < 300'000; ++i) {  // 50 minutes
                line.run(1, comes);
                if (!line.detector.alive()) ++gone;
            }

            CHECK(gone == 0);
            CHECK(line.silence_until_gone() <= 250ms);
        }
    }

    TEST_CASE("many single losses do not hide that there are bursts") {
        Line line;
        std::mt19937_64 random(5);
        int left = 0, at = 0;
        const auto comes = [&](std::size_t) {
            if (++at % 1'000 == 0) left = 15;
            if (left > 0) return left-- == 0;
            return random() % 10 != 0;
        };
        line.run(1'000, comes);
        int gone = 0;
        for (int i = 0; i < 100'000; ++i) {
            line.run(1, comes);
            if (!line.detector.alive()) ++gone;
        }

        // Of a hundred bursts a few have single losses beside them.
        CHECK(gone <= 20);
    }

    TEST_CASE("a beat that is lost by itself makes nobody more patient") {
        Line line;
        line.run(1000, [](std::size_t) { return true; });
        line.run(1, [](std::size_t) { return false; });
        line.run(10, [](std::size_t) { return true; });

        CHECK(line.silence_until_gone() <= 50ms);
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

    TEST_CASE("the history tells single losses from bursts") {
        LossHistory history;
        for (int i = 0; i < 100; ++i)
            history.received(i % 10 == 0 ? 1 : 0);
        CHECK(history.loss() == doctest::Approx(10 / 110.0));
        CHECK(history.loss_after_loss() < 0.01);

        for (int i = 0; i < 10; ++i)
            history.received(4);  // of four in a row three follow a lost one

        CHECK(history.loss_after_loss() == doctest::Approx(30 / 50.0).epsilon(0.03));
    }

    TEST_CASE("the history forgets") {
        LossHistory history;
        history.received(20);
        CHECK(history.longest_burst() == 20);
        CHECK(history.loss_after_loss() > 0.9);
        CHECK(history.loss() > 0.9);

        // Also while the oldest of the burst go, one by one.
        for (std::size_t i = 0; i < LossHistory::kept; ++i) {
            history.received(0);
            CHECK(history.loss_after_loss() <= 1);
        }

        CHECK(history.loss() == 0);
        CHECK(history.loss_after_loss() == 0);
        for (std::size_t i = 0; i < LossHistory::kept; ++i)
            history.received(0);
        CHECK(history.longest_burst() == 0);
    }
}
