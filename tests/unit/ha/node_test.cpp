// Two nodes in one process, over loopback, and the kernel's addresses.
#include "ha/node.hpp"

#include "ha/floating_addresses.hpp"
#include "ha/settings.hpp"
#include "tests/unit/ha/own_network.hpp"

#include <atomic>

using namespace poise;
using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

NodeSettings settings(bool master, const ClusterKeys& keys) {
    NodeSettings made;
    made.name = master ? "lb1" : "lb2";
    made.version = "test";
    const Address one = *parse_address("127.0.0.1:9694"), other = *parse_address("127.0.0.2:9694");
    made.cluster.bind = {master ? one : other};
    made.cluster.peers = {master ? other : one};
    made.cluster.role = master ? config::Role::master : config::Role::slave;
    made.keys = keys;
    made.addresses = {{.address = *parse_ip("10.9.9.100"),
                       .prefix_length = 24,
                       .interface = master ? "near" : "far"}};
    made.guardian = false;  // there is no binary to start
    return made;
}

std::unique_ptr<Node> started(NodeSettings given, NodeEvents events = {}) {
    auto node = Node::start(std::move(given), std::move(events));
    if (!node) FAIL(node.error());
    return std::move(*node);
}

bool holds(const NodeSettings& given) {
    auto addresses = FloatingAddresses::open(given.addresses);
    return addresses && addresses->present().value().size() == given.addresses.size();
}

}  // namespace

TEST_SUITE("ha/node") {
    TEST_CASE("a node that is alone holds the addresses until it stops") {
        const OwnNetwork network;
        if (!network || !OwnNetwork::add_cable("near", "far")) return;
        NodeSettings given = settings(true, {make_cluster_key()});
        given.cluster.bind.clear();
        given.cluster.peers.clear();
        std::atomic<int> changes = 0;

        const auto node = started(given, {.on_change = [&](const OwnerChange&) { ++changes; }});
        CHECK(soon([&] { return holds(given); }));
        CHECK(soon([&] { return node->status().state == State::active; }));
        CHECK(soon([&] { return changes == 1; }));
        CHECK(node->standby().find("not there") != std::string::npos);

        node->stop(100ms);
        CHECK_FALSE(holds(given));
        CHECK_FALSE(node->takeover(true).empty());
    }

    TEST_CASE("two nodes have one owner, who changes when ordered and when it stops") {
        const OwnNetwork network;
        if (!network || !OwnNetwork::add_cable("near", "far")) return;
        const ClusterKeys keys{make_cluster_key()};
        const auto one = started(settings(true, keys)), other = started(settings(false, keys));
        for (const auto* node : {&one, &other})
            (*node)->set_config(settings_mark({.text = "the same", .files = {}}, 1), true);
        const auto is = [](const std::unique_ptr<Node>& node, State state) {
            return soon([&] { return node->status().state == state; });
        };
        CHECK(is(one, State::active));
        CHECK(is(other, State::standby));
        CHECK(soon([&] { return other->status().config_equal; }));
        CHECK(other->status().peer == "lb1");

        const ConfigMark mark = settings_mark({.text = "the same", .files = {}}, 1);
        other->set_config(mark, false);
        CHECK(other->takeover(false).find("not yet equal") != std::string::npos);
        other->set_config(mark, true);

        CHECK(soon([&] { return other->takeover(false).empty(); }));
        CHECK(is(other, State::active));
        CHECK(is(one, State::standby));
        CHECK(soon([&] { return !holds(settings(true, keys)); }));
        CHECK(holds(settings(false, keys)));

        other->stop(2s);
        CHECK(is(one, State::active));
        CHECK_FALSE(holds(settings(false, keys)));
    }

    TEST_CASE("another key makes no second owner, and is told") {
        const OwnNetwork network;
        if (!network || !OwnNetwork::add_cable("near", "far")) return;
        const auto one = started(settings(true, {make_cluster_key()}));
        CHECK(soon([&] { return one->status().state == State::active; }));

        const auto stranger = started(settings(false, {make_cluster_key()}));
        CHECK(soon([&] { return stranger->status().hold == Hold::unreadable; }));

        CHECK(soon([&] { return one->status().key_problem; }));
        CHECK(stranger->status().state == State::listening);
        CHECK(one->status().state == State::active);
    }

    TEST_CASE("an address that no interface has is told with its key") {
        NodeSettings given = settings(true, {make_cluster_key()});
        given.cluster.bind = {*parse_address("203.0.113.9:9694")};

        const auto node = Node::start(given, {});

        REQUIRE_FALSE(node);
        CHECK(node.error().find("cluster.bind: cannot listen on 203.0.113.9:9694") !=
              std::string::npos);
    }
}
