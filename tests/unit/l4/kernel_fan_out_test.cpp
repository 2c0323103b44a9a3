// The program that shares packets out beside what Poise reckons: all that a client has, with the
// errors about it, is one thread's. Needs the rights to load it; says so when they are missing.
#include "l4/kernel_fan_out.hpp"

#include "tests/unit/l4/forwarder_world.hpp"

#include <doctest/doctest.h>

#include <array>
#include <bpf/bpf.h>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;

namespace {

constexpr unsigned threads = 5;

// Null: not here, for the reason that has been told.
std::unique_ptr<KernelFanOut> open_or_tell() {
    auto opened = KernelFanOut::open();
    if (opened) return std::move(*opened);
    MESSAGE("not run: " << opened.error());
    return nullptr;
}

unsigned thread_by(const KernelFanOut& fan_out, const Bytes& frame) {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    REQUIRE(::bpf_prog_test_run_opts(fan_out.program(), &options) == 0);
    return options.retval % threads;
}

unsigned thread_by(const KernelFanOut& fan_out, const Made& made) {
    return thread_by(fan_out, make_packet(made));
}

// A router's word about a packet that went from here.
Bytes error_about(const Bytes& frame, std::string_view router) {
    const bool v4 = read_frame(frame)->version == 4;
    Made error{.from = router, .protocol = v4 ? protocol_icmp : protocol_icmp6};
    error.icmp_type = v4 ? 3 : 2;
    if (!v4) error.to = "2001:db8::77";
    error.body.assign(frame.begin() + 14, frame.end());
    return make_packet(error);
}

}  // namespace

TEST_CASE("l4 kernel fan out: a client's packets, the answers and the errors are one thread's") {
    const auto fan_out = open_or_tell();
    if (!fan_out) return;
    std::array<unsigned, threads> seen{};
    for (const bool v6 : {false, true}) {
        for (const std::uint8_t protocol : {protocol_tcp, protocol_udp}) {
            World world({.v6 = v6, .flows_max = 10'000});
            REQUIRE(fan_out->set_addresses(world.services()));
            for (unsigned i = 0; i < 500; ++i) {
                const std::string client = v6 ? fmt::format("2001:db8:9::{:x}:{:x}", i % 7, i)
                                              : fmt::format("192.0.{}.{}", i % 7, i % 256);
                const unsigned thread = thread_of(ip(client), threads);
                ++seen[thread];
                Made request = world.made();
                request.from = client;
                request.protocol = protocol;
                request.payload = 20;
                REQUIRE(thread_by(*fan_out, request) == thread);
                const PacketView out = world.sent(request);
                CHECK(thread_by(*fan_out, error_about(world.last, world.client())) == thread);

                Made answer = world.from_server(out, tcp_syn | tcp_ack, protocol);
                answer.to = client;
                answer.payload = 20;
                CHECK(thread_by(*fan_out, answer) == thread);
                world.sent(answer, 1);
                CHECK(thread_by(*fan_out, error_about(world.last, world.client())) == thread);
            }
        }
    }
    for (const unsigned count : seen)
        CHECK(count > 250);  // of 2000 a fifth would be even
}

TEST_CASE("l4 kernel fan out: fragments without ports find the thread of the first one") {
    const auto fan_out = open_or_tell();
    if (!fan_out) return;
    World world({});
    REQUIRE(fan_out->set_addresses(world.services()));
    Made first = world.made();
    first.protocol = protocol_udp;
    first.payload = 400;
    first.fragment = 0x2000;
    Made later = first;
    later.fragment = 50;
    const unsigned thread = thread_of(ip(world.client()), threads);
    CHECK(thread_by(*fan_out, first) == thread);
    CHECK(thread_by(*fan_out, later) == thread);
}

TEST_CASE("l4 kernel fan out: answers to a client in the servers' network come to his thread") {
    const auto fan_out = open_or_tell();
    if (!fan_out) return;
    for (const bool v6 : {false, true}) {
        for (unsigned number = 0; number < threads; ++number) {
            World world({.v6 = v6, .flows_max = 1'000, .thread = {number, threads}});
            world.put_servers_on_link();
            REQUIRE(fan_out->set_addresses(world.services()));
            for (std::uint16_t port = 1; port <= 100; ++port) {
                Made request = world.made();
                request.from = v6 ? "fd00::77" : "10.1.0.77";
                request.from_port = port;
                const PacketView out = world.sent(request, 1);
                REQUIRE(out.source_port >= alias_port_first);
                CHECK(thread_by(*fan_out, error_about(world.last, request.from)) == number);
                Made answer = world.from_server(out, tcp_syn | tcp_ack);
                answer.to = world.vip();
                answer.to_port = out.source_port;
                CHECK(thread_by(*fan_out, answer) == number);
                CHECK(world.sent(answer, 1).destination_port == port);
            }
        }
    }
}

TEST_CASE("l4 kernel fan out: what is no packet of IP is the first thread's") {
    const auto fan_out = open_or_tell();
    if (!fan_out) return;
    const World world({});
    REQUIRE(fan_out->set_addresses(world.services()));
    Bytes packet = make_packet(world.made());
    packet[14] = 0x75;
    CHECK(thread_by(*fan_out, packet) == 0);
}

TEST_CASE("l4 kernel fan out: an address that goes is forgotten") {
    const auto fan_out = open_or_tell();
    if (!fan_out) return;
    const World world({});
    REQUIRE(fan_out->set_addresses(world.services()));
    const Made request = world.made();
    CHECK(thread_by(*fan_out, request) == thread_of(ip(request.from), threads));
    REQUIRE(fan_out->set_addresses(Services{}));
    CHECK(thread_by(*fan_out, request) == thread_of(ip(request.to), threads));
}
