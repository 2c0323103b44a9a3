// node.yaml's cluster.
#include "tests/unit/config/loading.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace poise;
using namespace poise::config;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("config/cluster") {
    TEST_CASE("the pair of the contract is read") {
        const auto node = parse_node(
            "cluster:\n  key_file: cluster.key\n  bind: 10.0.0.2:9694\n"
            "  peers: [10.0.0.3:9694]\n  role: slave\n  heartbeat: 10ms\n  failback: auto\n",
            "node.yaml");

        REQUIRE(node);
        CHECK(node->cluster.key_file == "cluster.key");
        CHECK(node->cluster.bind == std::vector{*parse_address("10.0.0.2:9694")});
        CHECK(node->cluster.peers == std::vector{*parse_address("10.0.0.3:9694")});
        CHECK(node->cluster.role == Role::slave);
        CHECK(node->cluster.heartbeat == 10ms);
        CHECK(node->cluster.failback == Failback::automatic);
    }

    TEST_CASE("without a port it is 9694, and without a cluster there is none") {
        const auto node = parse_node(
            "cluster: {key_file: k, bind: [10.0.0.2, \"fd00::2\"], peers: [10.0.0.3, "
            "\"fd00::3\"]}\n",
            "node.yaml");

        REQUIRE(node);
        CHECK(node->cluster.bind[1] == *parse_address("[fd00::2]:9694"));
        CHECK(parse_node("", "node.yaml")->cluster == Cluster{});
    }

    TEST_CASE("what does not fit together is told") {
        CHECK(has(node_errors("cluster: {bind: 10.0.0.2, peers: 10.0.0.3}\n"),
                  "`poise pair` makes one"));
        CHECK(has(node_errors("cluster: {key_file: k, peers: 10.0.0.3}\n"), "bind is missing"));
        CHECK(has(node_errors("cluster: {key_file: k, bind: 10.0.0.2}\n"), "peers is missing"));
        CHECK(has(
            node_errors("cluster: {key_file: k, bind: [10.0.0.2, 10.1.0.2], peers: 10.0.0.3}\n"),
            "2 addresses in bind, but 1 in peers"));
        CHECK(has(node_errors("cluster: {key_file: k, bind: 10.0.0.2, peers: 10.0.0.2}\n"),
                  "this node's own address"));
        CHECK(has(node_errors("cluster: {key_file: k, bind: 10.0.0.2, peers: \"fd00::2\"}\n"),
                  "one is IPv4"));
        CHECK(has(node_errors("cluster: {key_file: k, bind: lb1, peers: 10.0.0.2}\n"),
                  "must be an address"));
        CHECK(has(node_errors("cluster: {key_file: k, bind: 0.0.0.0, peers: 10.0.0.2}\n"),
                  "must be an address"));
        CHECK(has(node_errors("cluster: {key_file: k, bind: 10.0.0.2, peers: 10.0.0.3, heartbeat: "
                              "1ms}\n"),
                  "5ms"));
    }
}
