// Two nodes that exchange the key, and what happens when somebody stands between them.
#include "ha/pairing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

using namespace poise::ha;

namespace {

using Stage = Pairing::Stage;
using Bytes = std::vector<std::uint8_t>;

PairingIdentity identity(const std::string& name) {
    PairingIdentity made;
    made.name = name;
    made.host = name + ".example";
    made.version = "test";
    made.node_id = name == "lb1" ? 1 : 2;
    made.master = name == "lb1";
    made.key_file = "/etc/poise/cluster.key";
    made.settings = Standing{.hash = {1}, .common = {2}, .version = 7, .unfinished = true};
    made.files = 3;
    return made;
}

PairingIdentity with_key(PairingIdentity made, const ClusterKeys& keys) {
    made.key = key_id(keys.front());
    return made;
}

// What one says comes to the other one, until nobody says anything.
void talk(Pairing& one, Pairing& other) {
    while (!one.output().empty() || !other.output().empty()) {
        CHECK(other.receive(std::exchange(one.output(), {})).has_value());
        CHECK(one.receive(std::exchange(other.output(), {})).has_value());
    }
}

struct Two {
    ClusterKeys keys{make_cluster_key(), make_cluster_key()};
    Pairing offer{with_key(identity("lb1"), keys), keys};
    Pairing join{identity("lb2")};

    void meet() {
        talk(offer, join);
        REQUIRE(offer.stage() == Stage::comparing);
        REQUIRE(join.stage() == Stage::comparing);
    }
    void compare() {
        meet();
        REQUIRE(offer.type_code(join.own_code()));
        talk(offer, join);
        CHECK(offer.stage() == Stage::waiting);
        CHECK(join.stage() == Stage::comparing);
        REQUIRE(join.type_code(offer.own_code()));
        talk(offer, join);
        REQUIRE(offer.stage() == Stage::confirming);
        REQUIRE(join.stage() == Stage::confirming);
    }
};

std::string another(std::string code) {
    code.back() = code.back() == '9' ? '0' : static_cast<char>(code.back() + 1);
    return code;
}

}  // namespace

TEST_SUITE("ha/pairing") {
    TEST_CASE("with the codes typed and both agreed, the key is on both") {
        for (const bool offer_first : {true, false}) {
            Two two;
            two.compare();
            CHECK(two.offer.other() == identity("lb2"));
            CHECK(two.join.other() == with_key(identity("lb1"), two.keys));

            Pairing& first = offer_first ? two.offer : two.join;
            Pairing& second = offer_first ? two.join : two.offer;
            first.confirm();
            talk(two.offer, two.join);
            CHECK(first.stage() == Stage::sharing);
            CHECK(two.join.keys().empty());
            second.confirm();
            talk(two.offer, two.join);
            REQUIRE(two.join.stage() == Stage::writing);
            CHECK(two.join.keys() == two.keys);
            CHECK(two.offer.stage() == Stage::sharing);
            two.join.written();
            talk(two.offer, two.join);
            CHECK(two.offer.stage() == Stage::done);
            CHECK(two.join.stage() == Stage::done);
        }
    }

    TEST_CASE("a wrong code ends it on both nodes, whoever has typed it") {
        for (const bool at_offer : {true, false}) {
            Two two;
            two.meet();
            Pairing& here = at_offer ? two.offer : two.join;
            Pairing& there = at_offer ? two.join : two.offer;

            CHECK_FALSE(here.type_code(another(there.own_code())));
            talk(two.offer, two.join);

            CHECK(here.stage() == Stage::refused);
            CHECK_FALSE(here.why().has_value());
            CHECK(there.stage() == Stage::refused);
            CHECK(there.why() == PairingRefusal::wrong_code);
            CHECK(two.join.keys().empty());
        }
    }

    TEST_CASE("the code of one's own screen is the wrong one") {
        Two two;
        two.meet();
        CHECK(two.offer.own_code() != two.join.own_code());
        CHECK_FALSE(two.offer.type_code(two.offer.own_code()));
    }

    TEST_CASE("somebody in between makes each node show another code than the other expects") {
        const ClusterKeys keys{make_cluster_key()};
        Pairing offer(with_key(identity("lb1"), keys), keys), join(identity("lb2"));
        // He speaks with each as the other one would.
        const ClusterKeys his{make_cluster_key()};
        Pairing to_offer(identity("lb2")), to_join(with_key(identity("lb1"), his), his);
        talk(offer, to_offer);
        talk(to_join, join);

        // Both nodes have met somebody, and what their operators read out does not fit.
        CHECK_FALSE(offer.type_code(join.own_code()));
        CHECK_FALSE(join.type_code(offer.own_code()));
        CHECK(offer.stage() == Stage::refused);
        CHECK(join.keys().empty());
    }

    TEST_CASE("who has committed to one key cannot show another") {
        const ClusterKeys keys{make_cluster_key()};
        Pairing offer(with_key(identity("lb1"), keys), keys), join(identity("lb2")),
            late(identity("lb2"));
        REQUIRE(offer.receive(join.output()).has_value());
        // `late` knows the offer before it must say its own key.
        REQUIRE(late.receive(offer.output()).has_value());
        Bytes reveal(late.output());
        reveal.erase(reveal.begin(),
                     reveal.begin() + static_cast<std::ptrdiff_t>(join.output().size()));

        const auto taken = offer.receive(reveal);

        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().contains("committed"));
        CHECK(offer.stage() == Stage::refused);
    }

    TEST_CASE("nothing is sealed or given before the code is right") {
        Two two;
        two.meet();
        CHECK(two.offer.output().empty());
        CHECK(two.join.output().empty());
        // Who has the keys of the exchange, but not the operator's word, gets nothing.
        REQUIRE(two.join.type_code(two.offer.own_code()));
        talk(two.offer, two.join);
        CHECK(two.offer.stage() == Stage::comparing);
        CHECK(two.offer.output().empty());
    }

    TEST_CASE("an operator who does not agree ends it, also when the other one has agreed") {
        for (const bool at_offer : {true, false}) {
            Two two;
            two.compare();
            (at_offer ? two.join : two.offer).confirm();
            talk(two.offer, two.join);
            (at_offer ? two.offer : two.join).refuse(PairingRefusal::declined);
            talk(two.offer, two.join);
            CHECK((at_offer ? two.join : two.offer).why() == PairingRefusal::declined);
            CHECK(two.join.keys().empty());
        }
    }

    TEST_CASE("a changed, repeated or early frame is the end") {
        SUBCASE("changed") {
            Two two;
            two.meet();
            REQUIRE(two.join.type_code(two.offer.own_code()));
            two.join.output().back() ^= 1;
            CHECK_FALSE(two.offer.receive(two.join.output()).has_value());
        }
        SUBCASE("repeated") {
            Two two;
            two.meet();
            REQUIRE(two.join.type_code(two.offer.own_code()));
            REQUIRE(two.offer.receive(two.join.output()).has_value());
            CHECK_FALSE(two.offer.receive(two.join.output()).has_value());
        }
        SUBCASE("another kind") {
            Two two;
            two.meet();
            REQUIRE(two.join.type_code(two.offer.own_code()));
            two.join.output().front() = static_cast<std::uint8_t>(PairingKind::confirmed);
            CHECK_FALSE(two.offer.receive(two.join.output()).has_value());
        }
        SUBCASE("sealed before there is a key") {
            Pairing join(identity("lb2"));
            Bytes early;
            append_frame(early, PairingKind::key, Bytes(40));
            CHECK_FALSE(join.receive(early).has_value());
        }
    }

    TEST_CASE("a key of small order is refused") {
        Pairing join(identity("lb2"));
        Bytes offer{'P', 'S', 'P', 'R', 1};
        offer.resize(offer.size() + 64);  // a public key of zeros
        Bytes bytes;
        append_frame(bytes, PairingKind::offer, offer);
        const auto taken = join.receive(bytes);
        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().contains("hides nothing"));
    }

    TEST_CASE("another version is told as such") {
        Pairing join(identity("lb2"));
        Bytes offer{'P', 'S', 'P', 'R', 9};
        offer.resize(offer.size() + 64);
        Bytes bytes;
        append_frame(bytes, PairingKind::offer, offer);
        const auto taken = join.receive(bytes);
        REQUIRE_FALSE(taken.has_value());
        CHECK(taken.error().contains("version 9"));
    }

    TEST_CASE("the same bytes mean the same wherever they are cut") {
        Two two;
        two.meet();
        REQUIRE(two.join.type_code(two.offer.own_code()));
        REQUIRE(two.offer.type_code(two.join.own_code()));
        for (const std::uint8_t byte : two.join.output())
            REQUIRE(two.offer.receive({&byte, 1}).has_value());
        CHECK(two.offer.stage() == Stage::confirming);
    }

    TEST_CASE("frames that are too long or of no kind are refused before they are read") {
        for (const Bytes& bytes :
             {Bytes{1, 0x08, 0x01}, Bytes{0, 0, 0}, Bytes{9, 0, 0}, Bytes{'G', 'E', 'T'}}) {
            PairingReader reader;
            CHECK_FALSE(reader.feed(bytes).has_value());
        }
        PairingReader reader;
        CHECK(reader.feed(Bytes{1, 0x08, 0x00}).value().empty());  // the longest, not yet there
    }

    TEST_CASE("a code is six digits, whatever is between them") {
        CHECK(code_in("123456") == "123456");
        CHECK(code_in(" 123 456\r") == "123456");
        CHECK(code_in("123-456") == "123456");
        for (const char* text : {"", "12345", "1234567", "12345a", "abcdef"})
            CHECK_FALSE(code_in(text).has_value());
    }

    TEST_CASE("an identity comes back from its bytes, and from no fewer") {
        PairingIdentity whole = identity("lb1");
        whole.key = 0x1234;
        const Bytes bytes = to_bytes(whole);
        CHECK(identity_from_bytes(bytes) == whole);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            CHECK_FALSE(identity_from_bytes(std::span(bytes).first(size)).has_value());
        whole.key.reset();
        whole.settings.reset();
        CHECK(identity_from_bytes(to_bytes(whole)) == whole);
        whole.name.clear();
        CHECK_FALSE(identity_from_bytes(to_bytes(whole)).has_value());
    }
}
