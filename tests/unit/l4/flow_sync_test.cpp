// The mailbox between the layer-4 thread and the pair's.
#include "l4/flow_sync.hpp"

#include "tests/unit/l4/packets.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace poise;
using namespace poise::l4;
using namespace poise::l4::test;
using namespace std::chrono_literals;

namespace {

constexpr FlowSync::Clock::time_point start{1h};

std::vector<FlowRecord> flows(std::size_t count, std::uint16_t first_port = 1) {
    std::vector<FlowRecord> made(count);
    for (std::size_t i = 0; i < count; ++i) {
        made[i].client = ip("192.0.2.1");
        made[i].vip = ip("10.0.0.100");
        made[i].client_port = static_cast<std::uint16_t>(first_port + i);
        made[i].protocol = protocol_tcp;
        made[i].life = 100s;
    }
    return made;
}

}  // namespace

TEST_CASE("l4 flow sync: a node without layer 4 has nothing to tell, and drops what it is told") {
    FlowSync sync;
    FlowSync standby;
    CHECK(sync.take(1'000, start).empty());
    sync.begin();
    REQUIRE(standby.adopt(sync.take(1'000, start)));
    CHECK(sync.take(1'000, start).empty());
    CHECK(sync.telling(start).complete);
    CHECK(standby.adopting().complete);
    Bytes piece;
    write_piece({2, PieceKind::changes, flows(3)}, piece);
    REQUIRE(standby.adopt(piece));
    CHECK(standby.adopting().no_service == 3);
    CHECK(standby.adopting().sequence == 2);
    CHECK(standby.adopting().complete);
}

TEST_CASE("l4 flow sync: nothing is kept before a peer listens, nor when it has gone") {
    FlowSync sync;
    sync.attach({[] {}});
    CHECK_FALSE(FlowSync::listening(sync.era()));
    sync.begin();
    const std::uint32_t era = sync.era();
    CHECK(FlowSync::listening(era));
    sync.tell(era, PieceKind::changes, flows(3), start, start);
    CHECK(sync.telling(start + 5s).waiting == 3);
    CHECK(sync.telling(start + 5s).lag == 5s);
    sync.end();
    CHECK_FALSE(FlowSync::listening(sync.era()));
    CHECK(sync.take(1'000'000, start).empty());
    CHECK(sync.telling(start).waiting == 0);
    sync.begin();
    CHECK(sync.era() != era);
    sync.tell(era, PieceKind::changes, flows(3), start, start);  // it has not noticed yet
    CHECK(sync.take(1'000'000, start).empty());
}

TEST_CASE("l4 flow sync: pieces arrive whole, in order, and younger by the time they waited") {
    FlowSync sync;
    FlowSync standby;
    sync.attach({[] {}});
    standby.attach({[] {}});
    sync.begin();
    for (const std::uint16_t port : {1, 1'001, 2'001})
        sync.tell(sync.era(), PieceKind::everything, flows(500, port), start, start);
    sync.tell(sync.era(), PieceKind::everything_ends, {}, start, start);
    const auto first = sync.take(1, start + 10s);  // one piece, however large
    CHECK(sync.telling(start).sequence == 1);
    const auto rest = sync.take(1'000'000, start + 10s);
    CHECK(sync.take(1'000'000, start).empty());
    const TellStatus told = sync.telling(start);
    CHECK(told.complete);
    CHECK(told.told == 1'500);
    CHECK(told.sequence == 4);
    REQUIRE(standby.adopt(first));
    REQUIRE(standby.adopt(rest));
    CHECK(standby.adopting().waiting == 1'500);
    std::uint64_t sequence = 0;
    while (const auto piece = standby.next_adopted(0)) {
        CHECK(piece->sequence == ++sequence);
        for (const FlowRecord& flow : piece->flows)
            REQUIRE(flow.life == 90s);
    }
    CHECK(sequence == 4);
    CHECK_FALSE(standby.has_adopted(0));
}

TEST_CASE("l4 flow sync: who brings more than fits is told so, and loses nothing") {
    FlowSync sync;
    int woken = 0;
    sync.attach({[&] { ++woken; }});
    Bytes piece;
    write_piece({1, PieceKind::changes, flows(1)}, piece);
    for (std::size_t i = 0; i < FlowSync::adopted_pieces_max; ++i)
        REQUIRE(sync.adopt(piece));
    CHECK(sync.adopt(piece).error() == AdoptFailure::full);
    CHECK(sync.next_adopted(0));
    CHECK(sync.adopt(piece));
    CHECK(sync.adopting().waiting == FlowSync::adopted_pieces_max);
    CHECK(woken == FlowSync::adopted_pieces_max + 1);
}

TEST_CASE("l4 flow sync: of broken bytes nothing is taken") {
    FlowSync sync;
    sync.attach({[] {}});
    Bytes pieces;
    write_piece({1, PieceKind::changes, flows(1)}, pieces);
    write_piece({2, PieceKind::changes, flows(1)}, pieces);
    pieces.back() ^= 1;
    pieces.pop_back();
    CHECK(sync.adopt(pieces).error() == AdoptFailure::malformed);
    pieces[5] = 9;
    CHECK(sync.adopt(pieces).error() == AdoptFailure::version);
    CHECK_FALSE(sync.has_adopted(0));
    CHECK(name(AdoptFailure::version) == "version");
}

TEST_CASE("l4 flow sync: each of several threads gets its own flows, and every piece") {
    FlowSync sync;
    int woken = 0;
    const auto wake = [&] { ++woken; };
    sync.attach({wake, wake, wake});
    Bytes piece;
    std::vector<FlowRecord> told = flows(300);
    for (std::size_t i = 0; i < told.size(); ++i)
        told[i].client[15] = static_cast<std::uint8_t>(i);
    told[7].alias_port = 50'001;
    write_piece({1, PieceKind::everything_ends, told}, piece);
    REQUIRE(sync.adopt(piece));
    CHECK(woken == 3);
    CHECK(sync.adopting().waiting == 300);
    std::size_t seen = 0;
    for (unsigned thread = 0; thread < 3; ++thread) {
        CHECK(sync.has_adopted(thread));
        const auto mine = sync.next_adopted(thread);
        REQUIRE(mine);
        CHECK(mine->sequence == 1);
        CHECK(mine->kind == PieceKind::everything_ends);
        CHECK(mine->flows.size() > 50);
        for (const FlowRecord& flow : mine->flows)
            CHECK((flow.alias_port != 0 ? thread_of_alias(flow.alias_port, 3)
                                        : thread_of(flow.client, 3)) == thread);
        seen += mine->flows.size();
        CHECK_FALSE(sync.has_adopted(thread));
        CHECK_FALSE(sync.adopting().complete);
        sync.note_adopted(thread, {.sequence = 1, .complete = true, .adopted = 10});
    }
    CHECK(seen == 300);
    CHECK(sync.adopting().complete);
    CHECK(sync.adopting().adopted == 30);
    sync.detach();
    CHECK(sync.adopting().adopted == 30);
}

TEST_CASE("l4 flow sync: everything is told when the last of several threads has told its own") {
    FlowSync sync;
    sync.attach({[] {}, [] {}});
    sync.begin();
    sync.tell(sync.era(), PieceKind::everything_ends, flows(1), start, start);
    CHECK_FALSE(sync.take(1'000'000, start).empty());
    CHECK_FALSE(sync.telling(start).complete);
    sync.tell(sync.era(), PieceKind::everything_ends, flows(1), start, start);
    CHECK_FALSE(sync.take(1'000'000, start).empty());
    CHECK(sync.telling(start).complete);
    sync.note_waiting(0, 3, start, 1);
    sync.note_waiting(1, 4, start - 1s, 1);
    CHECK(sync.telling(start).waiting == 7);
    CHECK(sync.telling(start).repairs == 2);
    CHECK(sync.telling(start).lag == 1s);
    sync.begin();  // the peer has come again
    sync.tell(sync.era(), PieceKind::everything_ends, {}, start, start);
    sync.take(1'000'000, start);
    CHECK_FALSE(sync.telling(start).complete);
}

TEST_CASE("l4 flow sync: two threads, and every flow arrives once") {
    constexpr std::size_t pieces = 2'000;
    FlowSync sync;
    FlowSync standby;
    sync.attach({[] {}});
    standby.attach({[] {}});
    sync.begin();
    std::thread layer4([&] {
        for (std::size_t i = 0; i < pieces;) {
            if (!sync.has_room()) {
                std::this_thread::yield();
                continue;
            }
            sync.tell(sync.era(), PieceKind::changes, flows(10), start, start);
            sync.note_waiting(0, pieces - ++i, start, 0);
        }
    });
    std::uint64_t seen = 0;
    while (seen < pieces * 10) {
        const auto bytes = sync.take(100'000, start);
        CHECK(sync.telling(start).told <= pieces * 10);
        if (!bytes.empty()) REQUIRE(standby.adopt(bytes));
        while (const auto piece = standby.next_adopted(0))
            seen += piece->flows.size();
    }
    layer4.join();
    CHECK(seen == pieces * 10);
    CHECK(sync.telling(start).waiting == 0);
}
