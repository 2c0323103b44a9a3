// Finding UDP sessions: by every part of the key, through growth and removal.
#include "proxy/udp_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

using namespace poise;
using namespace poise::proxy;

namespace {

struct Session final : UdpTable::Entry {
    explicit Session(const UdpKey& given) : Entry(given) {}
};

UdpKey key(std::uint16_t port, std::uint8_t host = 1) {
    UdpKey made;
    made.client = *parse_ip("10.0.0.0");
    made.client.ip[15] = host;
    made.client.port = port;
    return made;
}

}  // namespace

TEST_SUITE("proxy/udp_table") {
    TEST_CASE("a session is found by the whole of its key") {
        UdpKey other_port = key(5'001);
        UdpKey other_host = key(5'000, 2);
        UdpKey other_dialled = key(5'000);
        other_dialled.dialled[15] = 9;
        UdpKey other_scope = key(5'000);
        other_scope.scope = 3;
        UdpTable table({1, 2});
        Session session(key(5'000));

        CHECK(table.find(key(5'000)) == nullptr);
        table.insert(session);

        CHECK(table.find(key(5'000)) == &session);
        for (const UdpKey& other : {other_port, other_host, other_dialled, other_scope})
            CHECK(table.find(other) == nullptr);
        table.erase(session);
        CHECK(table.find(key(5'000)) == nullptr);
        CHECK(table.size() == 0);
    }

    TEST_CASE("thousands are found while it grows, and when every other one has gone") {
        UdpTable table({3, 4});
        std::vector<std::unique_ptr<Session>> sessions;
        for (std::uint16_t port = 1; port <= 5'000; ++port) {
            sessions.push_back(std::make_unique<Session>(key(port)));
            table.insert(*sessions.back());
        }
        CHECK(table.size() == 5'000);
        const auto found = [&](const auto& one) { return table.find(one->key) == one.get(); };
        CHECK(std::ranges::all_of(sessions, found));

        for (std::size_t i = 0; i < sessions.size(); i += 2)
            table.erase(*sessions[i]);

        CHECK(table.size() == 2'500);
        CHECK(table.all().size() == 2'500);
        for (std::size_t i = 0; i < sessions.size(); ++i)
            CHECK(found(sessions[i]) == (i % 2 == 1));
        for (UdpTable::Entry* entry : table.all())
            table.erase(*entry);
        CHECK(table.all().empty());
    }
}
