// Two nodes of this process on two addresses of the loopback.
#include "ha/replicator.hpp"

#include "ha/psk_stream.hpp"
#include "tests/unit/ha/own_network.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <sys/socket.h>

using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

struct Ends {
    Ends() {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
        client = fds[0];
        server = fds[1];
    }
    int client, server;
};

// Both sides' last steps.
std::pair<PskStream::Step, PskStream::Step> shake(PskStream& client, PskStream& server) {
    using Step = PskStream::Step;
    Step one = Step::wants_read, other = Step::wants_read;
    for (int i = 0; i < 20; ++i) {
        if (one != Step::done && one != Step::ended) one = client.handshake();
        if (other != Step::done && other != Step::ended) other = server.handshake();
    }
    return {one, other};
}

struct Node {
    Node(const char* own, const char* peer, const ClusterKey& key, std::string text) {
        content.settings.text = std::move(text);
        content.standing.hash = settings_mark(content.settings, 0).hash;
        ReplicaEvents events;
        events.on_equal = [this](const Hash&) { ++equal; };
        events.on_settings = [this](const Settings& settings, const Standing&, bool take) {
            const std::lock_guard lock(mutex);
            taken = (take ? "took " : "kept ") + settings.text;
        };
        events.on_line = [this](bool, const std::string& line) {
            const std::lock_guard lock(mutex);
            lines += line + "\n";
        };
        auto started = Replicator::start({.bind = {*poise::parse_address(own)},
                                          .peers = {*poise::parse_address(peer)},
                                          .keys = {key}},
                                         events);
        if (!started) FAIL(started.error());
        replicator = std::move(*started);
        replicator->set_content(content);
    }
    std::string said() {
        const std::lock_guard lock(mutex);
        return lines;
    }

    ReplicaContent content;
    std::atomic<int> equal{0};
    std::mutex mutex;
    std::string taken, lines;
    std::unique_ptr<Replicator> replicator;
};

}  // namespace

TEST_SUITE("ha/replicator") {
    TEST_CASE("a stream needs the same key on both sides") {
        ::signal(SIGPIPE, SIG_IGN);
        const ClusterKey key = make_cluster_key(), other = make_cluster_key();
        using Step = PskStream::Step;
        {
            const Ends ends;
            PskStream client(ends.client, PskStream::Side::client, {key});
            PskStream server(ends.server, PskStream::Side::server, {other, key});
            CHECK(shake(client, server) == std::pair(Step::done, Step::done));
            std::size_t size = 0;
            const std::array<std::uint8_t, 3> sent{1, 2, 3};
            REQUIRE(client.write(sent, size) == Step::done);
            std::array<std::uint8_t, 8> got{};
            CHECK(server.read(got, size) == Step::done);
            CHECK(size == 3);
            CHECK(server.read(got, size) == Step::wants_read);
        }
        {
            const Ends ends;
            PskStream client(ends.client, PskStream::Side::client, {other});
            PskStream server(ends.server, PskStream::Side::server, {key});
            const auto [one, two] = shake(client, server);
            CHECK(two == Step::ended);
            CHECK(one != Step::done);
            CHECK(server.why().contains("same cluster key"));
        }
        {
            const Ends ends;
            PskStream server(ends.server, PskStream::Side::server, {key});
            const char garbage[] = "GET / HTTP/1.1\r\n\r\n";
            REQUIRE(::send(ends.client, garbage, sizeof garbage, 0) > 0);
            CHECK(server.handshake() == Step::ended);
            ::close(ends.client);
        }
    }

    TEST_CASE("two nodes meet when one is active, and again after a change of roles") {
        const OwnNetwork network;
        if (!network) return;
        const ClusterKey key = make_cluster_key();
        Node one("127.0.0.1:9694", "127.0.0.2:9694", key, "a");
        Node other("127.0.0.2:9694", "127.0.0.1:9694", key, "a");
        CHECK(one.replicator->status().state == StreamState::off);

        one.replicator->set_roles(true, false);
        other.replicator->set_roles(false, true);
        CHECK(soon([&] {
            return one.replicator->status().state == StreamState::synced &&
                   other.replicator->status().state == StreamState::synced;
        }));
        CHECK(one.equal > 0);
        CHECK(other.equal > 0);
        CHECK(one.replicator->status().gives);

        one.replicator->set_roles(false, true);
        other.replicator->set_roles(true, false);
        CHECK(soon([&] {
            return other.replicator->status().state == StreamState::synced &&
                   other.replicator->status().gives;
        }));

        Node third("127.0.0.3:9694", "127.0.0.2:9694", key, "a");
        third.replicator->set_roles(false, true);  // a stranger with the key is not served
        CHECK(soon([&] { return !third.said().empty(); }));
    }

    TEST_CASE("a node with another key is told so, and gets nothing") {
        const OwnNetwork network;
        if (!network) return;
        Node one("127.0.0.1:9694", "127.0.0.2:9694", make_cluster_key(), "a");
        Node other("127.0.0.2:9694", "127.0.0.1:9694", make_cluster_key(), "a");
        one.replicator->set_roles(true, false);
        other.replicator->set_roles(false, true);
        CHECK(soon([&] { return one.said().contains("same cluster key"); }));
        // The status is a copy that the stream's thread makes.
        CHECK(soon([&] { return other.replicator->status().state == StreamState::waiting; }));
        CHECK_FALSE(other.replicator->take_theirs());
    }
}
