#include "ha/beat.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace poise::ha;

namespace {

Beat full() {
    Beat beat;
    beat.claim = {.epoch = 77, .master = true, .node_id = 0x0123456789abcdef};
    beat.state = State::yielding;
    beat.fit = beat.partly = beat.wishes_to_leave = beat.planned = beat.hears_you = beat.verified =
        true;
    beat.received_permille = 987;
    beat.lateness_us = 1234;
    beat.progress = 5678;
    beat.echo_counter = 1ULL << 40;
    beat.echo_age_us = 4321;
    beat.config = {.version = 9, .hash = {1, 2, 3}};
    beat.addresses_hash = 42;
    beat.watermark = 99;
    beat.stream_port = 9694;
    beat.node_name = "lb1";
    beat.version = "0.1.0";
    return beat;
}

}  // namespace

TEST_SUITE("ha/beat") {
    TEST_CASE("a beat comes out of its bytes as it went in") {
        CHECK(beat_from_bytes(to_bytes(full())) == full());
        CHECK(beat_from_bytes(to_bytes(Beat{})) == Beat{});
        CHECK(to_bytes(full()).size() <= beat_bytes_max);
    }

    TEST_CASE("bytes that a newer version adds are passed over") {
        auto bytes = to_bytes(full());
        bytes.insert(bytes.end(), {1, 2, 3, 4});

        CHECK(beat_from_bytes(bytes) == full());
    }

    TEST_CASE("a beat that is cut anywhere is refused") {
        const auto bytes = to_bytes(full());

        for (std::size_t size = 0; size < bytes.size(); ++size)
            CHECK_FALSE(beat_from_bytes(std::span(bytes).first(size)));
    }

    TEST_CASE("values that no version sends are refused") {
        auto state = to_bytes(full());
        state[0] = 4;
        Beat long_name = full();
        long_name.node_name = std::string(300, 'x');

        CHECK_FALSE(beat_from_bytes(state));
        CHECK(beat_from_bytes(to_bytes(long_name))->node_name.size() == node_name_bytes_max);
    }

    TEST_CASE("the greater claim is of the higher epoch, then of the master, then of the id") {
        const Claim base{5, false, 7};

        CHECK(Claim{6, false, 1} > base);
        CHECK(Claim{5, true, 1} > base);
        CHECK(Claim{5, false, 8} > base);
        CHECK_FALSE(Claim{4, true, 9} > base);
    }
}
