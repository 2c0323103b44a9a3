#include "pool/idle_connections.hpp"

#include "base/engine.hpp"
#include "base/tcp_stream.hpp"
#include "pool/real_server.hpp"
#include "tests/unit/pool/test_pool.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace poise;
using namespace poise::pool;
using namespace poise::pool::test;
using namespace std::chrono_literals;

namespace {

constexpr IdleConnections::TimePoint now{};

struct World {
    Engine engine;
    RealServer a{configured_server("a")};
    RealServer b{configured_server("b")};
    IdleConnections idle{3};
    std::vector<int> peers;

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
    void serve(std::vector<const RealServer*> servers) { idle.serve(servers); }
};

}  // namespace

TEST_SUITE("pool/idle_connections") {
    TEST_CASE("the newest connection is handed out first, each once, to its server only") {
        World world;
        world.serve({&world.a, &world.b});
        auto first = world.connection();
        auto second = world.connection();
        const Stream* newest = second.get();
        world.idle.put(world.a, std::move(first), now, 1s);
        world.idle.put(world.a, std::move(second), now, 1s);

        CHECK(world.idle.take(world.b) == nullptr);
        CHECK(world.idle.take(world.a).get() == newest);
        CHECK(world.idle.take(world.a) != nullptr);
        CHECK(world.idle.take(world.a) == nullptr);
    }

    TEST_CASE("no more than the limit are kept, the oldest goes") {
        World world;
        world.serve({&world.a});
        for (int i = 0; i < 5; ++i)
            world.idle.put(world.a, world.connection(), now, 1s);
        CHECK(world.idle.size() == 3);
    }

    TEST_CASE("a connection with bytes or an end in it is never handed out") {
        World world;
        world.serve({&world.a});
        world.idle.put(world.a, world.connection(), now, 1s);
        world.idle.put(world.a, world.connection(), now, 1s);
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
        world.idle.put(world.a, world.connection(), now, 1s);
        world.idle.put(world.a, world.connection(), now, 3s);
        world.idle.sweep(now + 2s);
        CHECK(world.idle.size() == 1);
    }

    TEST_CASE("what a session brings back to a server that a reload removed is closed") {
        World world;
        world.serve({&world.a, &world.b});
        world.idle.put(world.a, world.connection(), now, 1s);
        world.idle.put(world.b, world.connection(), now, 1s);

        world.serve({&world.b});
        world.idle.put(world.a, world.connection(), now, 1s);

        CHECK(world.idle.size() == 1);
        world.serve({&world.a, &world.b});  // as if a new server had the old one's address
        CHECK(world.idle.take(world.a) == nullptr);
        CHECK(world.idle.take(world.b) != nullptr);
    }
}
