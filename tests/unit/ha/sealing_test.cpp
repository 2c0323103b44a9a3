#include "ha/sealing.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace poise::ha;
using namespace std::chrono_literals;

namespace {

using Bytes = std::vector<std::uint8_t>;
const Sealing::Time start{std::chrono::hours(1)};

Bytes bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

struct Pair {
    ClusterKeys keys{make_cluster_key()};
    Sealing a{keys, make_boot_nonce()};
    Sealing b{keys, make_boot_nonce()};

    // Hello, answer, and the first beat of each.
    Pair() { meet(a, b); }

    static void meet(Sealing& one, Sealing& other) {
        one.next_counter();
        other.next_counter();
        REQUIRE(other.open(0, one.seal(Kind::hello, 0, bytes("hello")), start));
        const auto answers = other.answers(0, bytes("answer"));
        REQUIRE(answers.size() >= 1);
        REQUIRE(one.open(0, answers.back(), start));
        one.next_counter();
        const auto beat = other.open(0, one.seal(Kind::beat, 0, bytes("beat")), start);
        REQUIRE(beat);
        other.hellos_answered();
    }
};

std::string refusal(const std::expected<Opened, Refused>& opened) {
    return opened ? "taken" : std::string(word(opened.error()));
}

}  // namespace

TEST_SUITE("ha/sealing") {
    TEST_CASE("two nodes with one key find each other and then understand beats") {
        Pair pair;
        CHECK(pair.a.has_session());
        CHECK(pair.b.has_session());

        pair.b.next_counter();
        const auto opened = pair.a.open(0, pair.b.seal(Kind::beat, 0, bytes("x")), start);

        REQUIRE(opened);
        CHECK(opened->content == bytes("x"));
        CHECK(opened->counter == pair.b.counter());
        CHECK_FALSE(opened->new_session);
    }

    TEST_CASE("what is sealed shows nothing of its content, and no byte of it can be changed") {
        Pair pair;
        pair.a.next_counter();
        const Bytes sealed = pair.a.seal(Kind::beat, 0, bytes("a secret of the pair"));
        CHECK(std::string(sealed.begin(), sealed.end()).find("secret") == std::string::npos);

        for (std::size_t i = 0; i < sealed.size(); ++i) {
            Bytes forged = sealed;
            forged[i] ^= 0x40;
            CHECK_FALSE(pair.b.open(0, forged, start));
        }
        for (std::size_t size = 0; size < sealed.size(); ++size)
            CHECK_FALSE(pair.b.open(0, std::span(sealed).first(size), start));
        CHECK(pair.b.open(0, sealed, start));
    }

    TEST_CASE("a repetition is refused, an overtaken beat is not") {
        Pair pair;
        std::vector<Bytes> sealed;
        for (int i = 0; i < 70; ++i) {
            pair.a.next_counter();
            sealed.push_back(pair.a.seal(Kind::beat, 0, bytes("x")));
        }

        CHECK(refusal(pair.b.open(0, sealed[69], start)) == "taken");
        CHECK(refusal(pair.b.open(0, sealed[60], start)) == "taken");
        CHECK(refusal(pair.b.open(0, sealed[60], start)) == "repeated");
        CHECK(refusal(pair.b.open(0, sealed[69], start)) == "repeated");
        CHECK(refusal(pair.b.open(0, sealed[2], start)) == "repeated");  // too old to tell
    }

    TEST_CASE("a beat is good on its own path alone, and once on each") {
        Pair pair;
        pair.a.next_counter();
        const Bytes first = pair.a.seal(Kind::beat, 0, bytes("x"));
        const Bytes second = pair.a.seal(Kind::beat, 1, bytes("x"));

        CHECK(refusal(pair.b.open(1, first, start)) == "unknown_sender");
        CHECK(refusal(pair.b.open(0, first, start)) == "taken");
        CHECK(refusal(pair.b.open(1, second, start)) == "taken");
    }

    TEST_CASE("a node that starts anew gets a session, and the old one's beats stay out") {
        Pair pair;
        pair.a.next_counter();
        const Bytes old_beat = pair.a.seal(Kind::beat, 0, bytes("old"));
        const Bytes old_hello = pair.a.seal(Kind::hello, 0, bytes("old"));

        Sealing again(pair.keys, make_boot_nonce());
        Pair::meet(again, pair.b);

        CHECK(refusal(pair.b.open(0, old_beat, start)) == "repeated");
        CHECK(refusal(pair.b.open(0, old_hello, start)) == "repeated");
        CHECK(refusal(pair.b.open(0, old_beat, start)) == "repeated");
    }

    TEST_CASE("a hello that is repeated changes no session") {
        Pair pair;
        Sealing other(pair.keys, make_boot_nonce());
        other.next_counter();
        const Bytes hello = other.seal(Kind::hello, 0, bytes("x"));

        for (int i = 0; i < 10; ++i)
            CHECK(pair.b.open(0, hello, start));

        CHECK(pair.b.answers(0, bytes("x")).size() == 1);
        pair.a.next_counter();
        CHECK(refusal(pair.b.open(0, pair.a.seal(Kind::beat, 0, bytes("x")), start)) == "taken");
    }

    TEST_CASE("hellos are looked at up to a rate") {
        Pair pair;
        Sealing other(pair.keys, make_boot_nonce());
        other.next_counter();
        const Bytes hello = other.seal(Kind::hello, 0, bytes("x"));
        int taken = 0;

        for (int i = 0; i < 10'000; ++i)
            taken += pair.b.open(0, hello, start).has_value() ? 1 : 0;

        CHECK(taken <= 50);
        CHECK(refusal(pair.b.open(0, hello, start)) == "too_many");
        CHECK(pair.b.open(0, hello, start + 1s));
    }

    TEST_CASE("a farewell counts only when nothing came after it") {
        Pair pair;
        pair.a.next_counter();
        const Bytes early = pair.a.seal(Kind::farewell, 0, bytes("bye"));
        pair.a.next_counter();
        const Bytes beat = pair.a.seal(Kind::beat, 0, bytes("x"));
        const Bytes late = pair.a.seal(Kind::farewell, 0, bytes("bye"));
        REQUIRE(pair.b.open(0, beat, start));

        CHECK(refusal(pair.b.open(0, early, start)) == "repeated");
        CHECK(refusal(pair.b.open(0, late, start)) == "taken");
        CHECK(refusal(pair.b.open(0, late, start)) == "repeated");
    }

    TEST_CASE("a key is changed on one node after the other without a beat lost") {
        Pair pair;
        const ClusterKey next = make_cluster_key();
        const auto talk = [&] {
            pair.a.next_counter();
            pair.b.next_counter();
            CHECK(pair.b.open(0, pair.a.seal(Kind::beat, 0, bytes("x")), start));
            CHECK(pair.a.open(0, pair.b.seal(Kind::beat, 0, bytes("x")), start));
        };

        pair.a.set_keys({pair.keys[0], next});
        talk();
        pair.b.set_keys({pair.keys[0], next});
        talk();
        pair.a.set_keys({next, pair.keys[0]});
        talk();
        pair.b.set_keys({next});
        talk();
        pair.a.set_keys({next});
        talk();
    }

    TEST_CASE("another key is told from a forgery, and whether the session is named") {
        Pair pair;
        Sealing stranger({make_cluster_key()}, make_boot_nonce());
        stranger.next_counter();
        const Bytes hello = stranger.seal(Kind::hello, 0, bytes("x"));
        CHECK(refusal(pair.a.open(0, hello, start)) == "unknown_key");
        CHECK_FALSE(pair.a.names_session(hello));

        pair.b.set_keys({make_cluster_key()});
        pair.b.next_counter();
        const Bytes wrong = pair.b.seal(Kind::beat, 0, bytes("x"));
        CHECK(refusal(pair.a.open(0, wrong, start)) == "unknown_key");
        CHECK(pair.a.names_session(wrong));
    }

    TEST_CASE("foreign bytes are refused before any cryptography") {
        Pair pair;

        CHECK(refusal(pair.a.open(0, {}, start)) == "not_ours");
        CHECK(refusal(pair.a.open(0, Bytes(51, 'P'), start)) == "not_ours");
        CHECK(refusal(pair.a.open(0, Bytes(2000, 'P'), start)) == "not_ours");
        Bytes version = pair.b.seal(Kind::hello, 0, bytes("x"));
        version[4] = 2;
        CHECK(refusal(pair.a.open(0, version, start)) == "other_version");
    }

    TEST_CASE("own datagrams that come back are nobody's") {
        Pair pair;
        pair.a.next_counter();

        CHECK(refusal(pair.a.open(0, pair.a.seal(Kind::hello, 0, bytes("x")), start)) ==
              "unknown_sender");
    }
}
