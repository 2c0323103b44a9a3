#include "pool/upstream_connections.hpp"

#include "base/engine.hpp"
#include "base/tcp_stream.hpp"
#include "pool/real_server.hpp"
#include "tests/unit/pool/test_pool.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;

namespace {

using TimePoint = UpstreamConnections::TimePoint;
using Use = UpstreamConnections::Use;

constexpr TimePoint now{};

struct World {
    Engine engine;
    RealServer a{configured_server("a")};
    RealServer b{configured_server("b")};
    UpstreamConnections idle;
    std::vector<int> peers;

    explicit World(UpstreamConnections::Limits limits = {3, 6}) : idle(limits) {}
    ~World() {
        for (const int peer : peers)
            ::close(peer);
    }
    std::unique_ptr<Stream> connection() {
        std::array<int, 2> fds{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) ==
                0);
        peers.push_back(fds[1]);
        return std::make_unique<TcpStream>(engine, fds[0], Direction::both);
    }
    void keep(const RealServer& server, std::unique_ptr<Stream> stream,
              std::chrono::milliseconds limit, TimePoint at = now) {
        idle.put(server, std::move(stream), idle.use(server), at, limit);
    }
    void serve(std::vector<const RealServer*> servers) { idle.serve(servers); }
};

}  // namespace

TEST_SUITE("pool/upstream_connections") {
    TEST_CASE("the newest connection is handed out first, each once, to its server only") {
        World world;
        world.serve({&world.a, &world.b});
        auto first = world.connection();
        auto second = world.connection();
        const Stream* newest = second.get();
        world.keep(world.a, std::move(first), 1s);
        world.keep(world.a, std::move(second), 1s);

        CHECK(world.idle.take(world.b) == nullptr);
        CHECK(world.idle.take(world.a).get() == newest);
        CHECK(world.idle.take(world.a) != nullptr);
        CHECK(world.idle.take(world.a) == nullptr);
    }

    TEST_CASE("no more than the limit are kept, the oldest goes") {
        World world;
        world.serve({&world.a});
        for (int i = 0; i < 5; ++i)
            world.keep(world.a, world.connection(), 1s);
        CHECK(world.idle.size() == 3);
    }

    TEST_CASE("no more than the limit are kept for all servers") {
        World world({3, 4});
        world.serve({&world.a, &world.b});
        for (int i = 0; i < 3; ++i) {
            world.keep(world.a, world.connection(), 1s);
            world.keep(world.b, world.connection(), 1s);
        }
        CHECK(world.idle.size() == 4);
        for (int i = 0; i < 2; ++i) {
            CHECK(world.idle.take(world.a) != nullptr);
            CHECK(world.idle.take(world.b) != nullptr);
        }
        CHECK(world.idle.size() == 0);
        world.keep(world.a, world.connection(), 1s);
        world.serve({&world.b});
        CHECK(world.idle.size() == 0);
    }

    TEST_CASE("a connection with bytes or an end in it is never handed out") {
        World world;
        world.serve({&world.a});
        world.keep(world.a, world.connection(), 1s);
        world.keep(world.a, world.connection(), 1s);
        REQUIRE(::write(world.peers[0], "x", 1) == 1);
        ::shutdown(world.peers[1], SHUT_WR);
        world.engine.post([&] { world.engine.stop(); });
        world.engine.run();  // sees the events

        CHECK(world.idle.take(world.a) == nullptr);
        CHECK(world.idle.size() == 0);
    }

    TEST_CASE("what has expired is closed") {
        World world;
        world.serve({&world.a});
        world.keep(world.a, world.connection(), 1s);
        world.keep(world.a, world.connection(), 3s);
        world.idle.sweep(now + 2s);
        CHECK(world.idle.size() == 1);
    }

    TEST_CASE("a burst's surplus is kept for the next one, but not for long") {
        World world({1000, 1000});
        world.serve({&world.a});
        constexpr std::size_t surplus = 10;
        for (std::size_t i = 0; i < UpstreamConnections::settled + surplus; ++i)
            world.keep(world.a, world.connection(), 60s);
        world.idle.sweep(now + UpstreamConnections::surplus_limit - 1ms);
        CHECK(world.idle.size() == UpstreamConnections::settled + surplus);
        world.idle.sweep(now + UpstreamConnections::surplus_limit);
        CHECK(world.idle.size() == UpstreamConnections::settled);
    }

    TEST_CASE("what a session brings back to a server that a reload removed is closed") {
        World world;
        world.serve({&world.a, &world.b});
        world.keep(world.a, world.connection(), 1s);
        world.keep(world.b, world.connection(), 1s);

        world.serve({&world.b});
        world.keep(world.a, world.connection(), 1s);

        CHECK(world.idle.size() == 1);
        world.serve({&world.a, &world.b});  // as if a new server had the old one's address
        CHECK(world.idle.take(world.a) == nullptr);
        CHECK(world.idle.take(world.b) != nullptr);
    }

    TEST_CASE("enough connections that come back quickly are a crowd, until they do not") {
        World world;
        world.serve({&world.a});
        std::vector<Use> busy;
        for (std::size_t i = 0; i < UpstreamConnections::enough; ++i)
            busy.push_back(world.idle.use(world.a));
        CHECK_FALSE(world.idle.crowded(world.a, now));  // none has come back yet

        auto at = now;
        for (int i = 0; i < 300; ++i)  // 10 a millisecond
            world.keep(world.a, world.connection(), 1s, at += 100us);
        CHECK(world.idle.crowded(world.a, at));
        CHECK_FALSE(world.idle.crowded(world.a, at + 60ms));
        busy.pop_back();
        CHECK_FALSE(world.idle.crowded(world.a, at));
    }

    TEST_CASE("a server that takes its time is never crowded") {
        World world;
        world.serve({&world.a});
        std::vector<Use> busy;
        for (std::size_t i = 0; i < 2 * UpstreamConnections::enough; ++i)
            busy.push_back(world.idle.use(world.a));
        auto at = now;
        for (int i = 0; i < 100; ++i)
            world.keep(world.a, world.connection(), 1s, at += 1ms);
        CHECK_FALSE(world.idle.crowded(world.a, at));
    }

    TEST_CASE("who stands in line is called by a connection that comes back, and gets it") {
        World world;
        world.serve({&world.a});
        Waiter waiter(world.engine);
        {
            WaitLine::Place place(*world.idle.line(world.a), waiter);
            world.keep(world.a, world.connection(), 1s);
            CHECK(place.called());
            CHECK(world.idle.take(world.a) == nullptr);
            CHECK(world.idle.take(world.a, true) != nullptr);
        }
        world.keep(world.a, world.connection(), 1s);
        CHECK(world.idle.take(world.a) != nullptr);
    }

    TEST_CASE("nobody is called while enough are busy: a burst's surplus falls idle") {
        World world;
        world.serve({&world.a});
        std::vector<Use> busy;
        for (std::size_t i = 0; i < UpstreamConnections::enough; ++i)
            busy.push_back(world.idle.use(world.a));
        Waiter waiter(world.engine);
        const WaitLine::Place place(*world.idle.line(world.a), waiter);

        world.keep(world.a, world.connection(), 1s);
        CHECK_FALSE(place.called());
        busy.pop_back();
        CHECK(place.called());
    }

    TEST_CASE("a connection that is lost calls, too") {
        World world;
        world.serve({&world.a});
        Waiter waiter(world.engine);
        auto use = world.idle.use(world.a);
        const WaitLine::Place place(*world.idle.line(world.a), waiter);
        use.end();
        CHECK(place.called());
    }

    TEST_CASE("a server may go while its connections are in use") {
        World world;
        world.serve({&world.a});
        auto use = world.idle.use(world.a);
        world.serve({&world.b});
        world.idle.sweep(now);
        CHECK(world.idle.line(world.a) == nullptr);
        world.idle.put(world.a, world.connection(), std::move(use), now, 1s);
        CHECK(world.idle.size() == 0);
        world.idle.sweep(now);
    }
}
