// The program in the kernel beside the forwarder: what it sends on is, byte by byte, what the
// forwarder would have sent. Needs the rights to load it; says so when they are missing.
#include "l4/kernel_fast_path.hpp"

#include "tests/unit/l4/forwarder_world.hpp"

#include <doctest/doctest.h>

#include <bpf/bpf.h>
#include <optional>
#include <random>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;

namespace {

constexpr std::uint32_t redirected = 7;         // TC_ACT_REDIRECT
constexpr std::uint32_t left_to_the_tap = ~0U;  // TCX_NEXT
constexpr std::size_t mac_bytes = 6;

// Null: not here, for the reason that has been told.
std::unique_ptr<KernelFastPath> open_or_tell() {
    auto opened = KernelFastPath::open(64);
    if (opened) return std::move(*opened);
    MESSAGE("not run: " << opened.error());
    return nullptr;
}

struct Ran {
    std::uint32_t verdict = 0;
    Bytes frame;
};

// As if it came over the loopback, whose MAC address is zero. With `linear_bytes` the rest of the
// frame is out of the program's sight, as some network cards leave it (Linux 6.18); nullopt: the
// kernel refused to run it so.
std::optional<Ran> try_run(const KernelFastPath& path, const Bytes& frame,
                           std::uint32_t segment_bytes, std::uint32_t linear_bytes) {
    Bytes out(frame.size() + 64);
    __sk_buff beside{};
    beside.gso_size = segment_bytes;
    beside.data_end = linear_bytes;
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_out = out.data();
    options.data_size_out = static_cast<std::uint32_t>(out.size());
    options.ctx_in = &beside;
    options.ctx_size_in = sizeof beside;
    if (::bpf_prog_test_run_opts(path.program(), &options) != 0) return std::nullopt;
    out.resize(options.data_size_out);
    return Ran{options.retval, std::move(out)};
}

Ran run(const KernelFastPath& path, const Bytes& frame, std::uint32_t segment_bytes = 0) {
    auto ran = try_run(path, frame, segment_bytes, 0);
    REQUIRE(ran);
    return std::move(*ran);
}

Bytes for_loopback(Bytes frame) {
    std::fill_n(frame.begin(), mac_bytes, std::uint8_t{0});
    return frame;
}

// A flow that goes by the fast path, and packets of both its directions.
struct Both {
    Both(KernelFastPath& path, config::Mode mode, bool v6, std::uint8_t protocol)
        : world({.mode = mode,
                 .v6 = v6,
                 .server_port = mode == config::Mode::nat ? std::uint16_t{8'080} : std::uint16_t{0},
                 .fast = &path}) {
        request = world.made(tcp_ack);
        request.protocol = protocol;
        request.payload = 33;
        const PacketView first = protocol == protocol_tcp ? world.establish() : world.sent(request);
        answer = world.from_server(first, tcp_ack, protocol);
        answer.payload = 50;
        if (mode == config::Mode::nat) world.sent(answer, 1);
        for (unsigned i = 0; i <= Forwarder::fast_from_packets; ++i)
            world.sent(request);
        REQUIRE(world.forwarder.fast_flows() == 1);
    }

    World world;
    Made request;
    Made answer;
};

void same_as_the_forwarder(const KernelFastPath& path, World& world, const Bytes& frame,
                           std::uint16_t link) {
    const Ran ran = run(path, frame);
    Bytes mine = frame;
    if (ran.verdict == left_to_the_tap) {
        CHECK(ran.frame == frame);
        return;
    }
    CHECK(ran.verdict == redirected);
    CHECK(world.pass(mine, link).action == Action::send);
    CHECK(ran.frame == mine);
}

}  // namespace

TEST_CASE("l4 kernel fast path: plain packets leave as the forwarder sends them") {
    const auto path = open_or_tell();
    if (!path) return;
    for (const config::Mode mode : {config::Mode::nat, config::Mode::dr}) {
        for (const bool v6 : {false, true}) {
            for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
                Both both(*path, mode, v6, protocol);
                for (const std::size_t payload : {0U, 1U, 2U, 333U, 1'400U}) {
                    both.request.payload = both.answer.payload = payload;
                    const Bytes in = for_loopback(make_packet(both.request));
                    CHECK(run(*path, in).verdict == redirected);
                    same_as_the_forwarder(*path, both.world, in, 0);
                    if (mode == config::Mode::dr) continue;
                    const Bytes out = for_loopback(make_packet(both.answer));
                    CHECK(run(*path, out).verdict == redirected);
                    same_as_the_forwarder(*path, both.world, out, 1);
                }
            }
        }
    }
}

TEST_CASE("l4 kernel fast path: a datagram without a checksum stays without") {
    const auto path = open_or_tell();
    if (!path) return;
    Both both(*path, config::Mode::nat, false, protocol_udp);
    Bytes frame = for_loopback(make_packet(both.request));
    store16(&frame[14 + 20 + 6], 0);
    const Ran ran = run(*path, frame);
    REQUIRE(ran.verdict == redirected);
    CHECK(load16(&ran.frame[14 + 20 + 6]) == 0);
}

TEST_CASE("l4 kernel fast path: what is not plain is left to the tap, as it came") {
    const auto path = open_or_tell();
    if (!path) return;
    for (const bool v6 : {false, true}) {
        Both both(*path, config::Mode::nat, v6, protocol_tcp);
        const auto left = [&](const Made& made) {
            const Bytes frame = for_loopback(make_packet(made));
            const Ran ran = run(*path, frame);
            CHECK(ran.verdict == left_to_the_tap);
            CHECK(ran.frame == frame);
        };
        for (const std::uint8_t flag : {tcp_syn, tcp_fin, tcp_rst}) {
            Made one = both.request;
            one.flags = flag | tcp_ack;
            left(one);
        }
        Made one = both.request;
        one.hops = 1;
        left(one);
        one = both.request;
        one.payload = 1'500;  // no more than the headers beyond the next network
        left(one);
        one = both.request;
        one.vlan_tags = 1;
        left(one);
        one = both.request;
        one.from_port = 40'001;
        left(one);
        if (v6) continue;
        one = both.request;
        one.options = 1;
        left(one);
        one = both.request;
        one.fragment = 0x2000;
        left(one);
    }
}

TEST_CASE("l4 kernel fast path: of a super-packet the pieces must fit") {
    const auto path = open_or_tell();
    if (!path) return;
    Both both(*path, config::Mode::nat, false, protocol_tcp);
    both.request.payload = 3'000;
    const Bytes frame = for_loopback(make_packet(both.request));
    CHECK(run(*path, frame).verdict == left_to_the_tap);
    CHECK(run(*path, frame, 1'460).verdict == redirected);
    CHECK(run(*path, frame, 1'461).verdict == left_to_the_tap);
}

TEST_CASE("l4 kernel fast path: headers that a network card has left with the payload are found") {
    const auto path = open_or_tell();
    if (!path) return;
    for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
        Both both(*path, config::Mode::nat, false, protocol);
        both.request.payload = 1'400;
        const Bytes frame = for_loopback(make_packet(both.request));
        const Bytes whole = run(*path, frame).frame;
        const auto ran = try_run(*path, frame, 0, 40);
        if (!ran) {
            MESSAGE("not run: this kernel does not try packets in pieces");
            return;
        }
        CHECK(ran->verdict == redirected);
        CHECK(ran->frame == whole);
    }
}

TEST_CASE("l4 kernel fast path: another machine with the client's address is not the client") {
    const auto path = open_or_tell();
    if (!path) return;
    Both both(*path, config::Mode::nat, false, protocol_tcp);
    Bytes frame = for_loopback(make_packet(both.request));
    frame[11] ^= 1;
    CHECK(run(*path, frame).verdict == left_to_the_tap);
}

TEST_CASE("l4 kernel fast path: it counts, and notes what the client awaits") {
    const auto path = open_or_tell();
    if (!path) return;
    Both both(*path, config::Mode::nat, false, protocol_tcp);
    const std::uint64_t before = both.world.counters->packets_in.value();
    both.request.ack = 77'777;
    for (int i = 0; i < 3; ++i)
        run(*path, for_loopback(make_packet(both.request)));
    poise_fast_way& way = path->ways()[0];
    CHECK(way.packets == 3);
    CHECK(way.bytes == 3 * (20 + 20 + 33));
    CHECK(way.acknowledged == 77'777);
    both.world.now += std::chrono::seconds(2);
    both.world.forwarder.advance(both.world.now);
    CHECK(both.world.counters->packets_in.value() == before + 3);
}

TEST_CASE("l4 kernel fast path: broken packets fare as they do with the forwarder") {
    const auto path = open_or_tell();
    if (!path) return;
    std::mt19937 random(7);
    for (const bool v6 : {false, true}) {
        for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
            Both both(*path, config::Mode::nat, v6, protocol);
            int passed = 0;
            for (int i = 0; i < 20'000; ++i) {
                Bytes frame = for_loopback(make_packet(both.request));
                for (unsigned changes = random() % 3 + 1; changes != 0; --changes)
                    frame[mac_bytes + random() % (frame.size() - mac_bytes)] =
                        static_cast<std::uint8_t>(random());
                if (random() % 8 == 0) frame.resize(54 + random() % (frame.size() - 53));
                if (run(*path, frame).verdict == redirected) ++passed;
                same_as_the_forwarder(*path, both.world, frame, 0);
            }
            CHECK(passed > 1'000);  // changes to the payload, and to what nobody looks at
        }
    }
}
