// What an operator reads before he agrees that a node becomes the other one of the pair.
#include "app/pairing_facts.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace poise;
using namespace poise::app;

namespace {

ha::PairingIdentity node(const std::string& name, bool master) {
    ha::PairingIdentity made;
    made.name = name;
    made.host = name + ".example";
    made.version = "1.2.3";
    made.node_id = name == "lb1" ? 0xabcdef : 2;
    made.master = master;
    made.key_file = "/etc/poise/cluster.key";
    made.settings = ha::Standing{.hash = {1}, .common = {}, .version = 1, .unfinished = false};
    return made;
}

ha::PairingIdentity giver() {
    ha::PairingIdentity made = node("lb1", true);
    made.key = 0x11112222;
    return made;
}

}  // namespace

TEST_SUITE("app/pairing_facts") {
    TEST_CASE("both nodes are shown, on each of them") {
        for (const bool gives : {true, false}) {
            const auto own = gives ? giver() : node("lb2", false);
            const auto other = gives ? node("lb2", false) : giver();
            const std::string text = pairing_text(own, other, gives);
            for (const char* part : {"lb1 on host lb1.example", "id 0000000000abcdef", "master",
                                     "lb2 on host lb2.example", "slave", "Poise 1.2.3"}) {
                CAPTURE(part);
                CHECK(text.contains(part));
            }
        }
    }

    TEST_CASE("a key that is there is named before it is overwritten") {
        auto taker = node("lb2", false);
        CHECK(pairing_text(giver(), taker, true)
                  .contains("/etc/poise/cluster.key will be made, with key 11112222"));
        taker.key = 0x33334444;
        for (const std::string& text :
             {pairing_text(giver(), taker, true), pairing_text(taker, giver(), false)}) {
            CHECK(text.contains("with key 33334444 WILL BE OVERWRITTEN by key 11112222"));
            CHECK(text.contains("11112222 in /etc/poise/cluster.key, stays"));
        }
        taker.key = 0x11112222;
        CHECK(pairing_text(taker, giver(), false).contains("has key 11112222 already"));
    }

    TEST_CASE("whose settings will be replaced is what replication will do") {
        const struct {
            ha::Hash ours, ours_common, theirs, theirs_common;
            const char* said;
        } rows[] = {
            {{1}, {}, {1}, {}, "both nodes have the same poise.yaml"},
            {{1},
             {1},
             {2},
             {1},
             "poise.yaml of this node and the certificates, keys and other "
             "files that it names (4) WILL BE REPLACED by those of lb2"},
            {{2},
             {1},
             {1},
             {1},
             "poise.yaml of lb2 and the certificates, keys and other files "
             "that it names (5) WILL BE REPLACED by those of this node"},
            {{1}, {}, {2}, {}, "until `poise settings --take`"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.said);
            auto own = giver(), other = node("lb2", false);
            own.settings = ha::Standing{.hash = row.ours, .common = row.ours_common};
            other.settings = ha::Standing{.hash = row.theirs, .common = row.theirs_common};
            own.files = 4;
            other.files = 5;
            CHECK(pairing_text(own, other, true).contains(row.said));
        }
        auto bare = node("lb2", false);
        bare.settings.reset();
        CHECK(pairing_text(giver(), bare, true).contains("lb2 has no poise.yaml that loads"));
        CHECK(pairing_text(bare, giver(), false).contains("this node has no poise.yaml"));
    }

    TEST_CASE("two nodes of one name cannot be a pair, and two of one role are told") {
        CHECK(pairing_obstacle(giver(), node("lb2", false)).empty());
        CHECK(pairing_obstacle(giver(), node("lb1", false)).contains("have the name lb1"));
        CHECK(pairing_text(giver(), node("lb2", true), true).contains("both are master"));
    }

    TEST_CASE("what the other node says of itself does not move the cursor") {
        auto other = node("lb2", false);
        other.host = "\x1b[2J";
        other.key_file = "\x1b]0;x\a";
        CHECK_FALSE(pairing_text(giver(), other, true).contains('\x1b'));
    }

    TEST_CASE("to look at this node writes nothing") {
        std::string name =
            (std::filesystem::temp_directory_path() / "poise-pairing-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        std::ofstream(name + "/poise.yaml")
            << "services: {web: {listen: \":80\", fallback: {status: 200, body: x}}}\n";
        config::Node settings;
        settings.name = "lb7";

        const auto identity =
            pairing_identity(settings, name + "/poise.yaml", name + "/cluster.key", {});

        CHECK(identity.name == "lb7");
        REQUIRE(identity.settings.has_value());
        CHECK(identity.settings->hash != ha::Hash{});
        CHECK_FALSE(identity.key.has_value());
        std::size_t files = 0;
        for (const auto& each : std::filesystem::directory_iterator(name))
            files += each.exists() ? 1 : 0;
        CHECK(files == 1);
        std::filesystem::remove_all(name);
    }
}
