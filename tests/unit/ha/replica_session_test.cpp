// Two sessions whose bytes reach each other in memory.
#include "ha/replica_session.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

using namespace poise::ha;
using namespace std::chrono_literals;
using poise::persistence::Table;

namespace {

struct Side {
    explicit Side(std::string text, std::string common = "") {
        content.settings.text = std::move(text);
        content.standing.hash = settings_mark(content.settings, 0).hash;
        if (!common.empty())
            content.standing.common = settings_mark({.text = common, .files = {}}, 0).hash;
        events.on_equal = [this](const Hash& hash) { equal.push_back(hash); };
        events.on_settings = [this](const Settings& settings, const Standing&, bool take) {
            (take ? taken : kept).push_back(settings.text);
            if (!take) return;
            content.settings = settings;
            content.standing.hash = content.standing.common = settings_mark(settings, 0).hash;
        };
        events.on_secrets = [this](const std::vector<std::uint8_t>& bytes) { secrets = bytes; };
    }
    Table& add_table(const std::string& service) {
        content.tables.emplace_back(service, std::make_shared<Table>(10'000, 60s));
        return *content.tables.back().second;
    }

    ReplicaContent content;
    ReplicaEvents events;
    std::vector<Hash> equal;
    std::vector<std::string> taken, kept;
    std::vector<std::uint8_t> secrets;
};

struct Stream {
    Side &active, &standby;
    ReplicaSession::Time now{std::chrono::hours(1)};
    ReplicaSession giver{true, active.content, active.events, now};
    ReplicaSession taker{false, standby.content, standby.events, now};
    std::string error;

    void run(int turns = 20) {
        for (int i = 0; i < turns && error.empty(); ++i) {
            now += 50ms;
            one(giver, taker);
            one(taker, giver);
        }
    }
    void one(ReplicaSession& from, ReplicaSession& to) {
        if (auto ticked = from.tick(now); !ticked) error = ticked.error();
        // In pieces, as a network brings them.
        std::vector<std::uint8_t> bytes = std::move(from.output());
        from.output().clear();
        for (std::size_t at = 0; at < bytes.size(); at += 1000) {
            const std::size_t size = std::min<std::size_t>(1000, bytes.size() - at);
            if (auto taken = to.receive({bytes.data() + at, size}, now); !taken)
                error = taken.error();
        }
    }
};

poise::persistence::Key key(std::uint64_t n) {
    return {.high = n * 7919, .low = n};
}

}  // namespace

TEST_SUITE("ha/replica_session") {
    TEST_CASE("the end of a stream is told once, on both sides") {
        int ends = 0;
        Side active("same"), standby("same");
        for (Side* side : {&active, &standby})
            side->events.on_end = [&] { ++ends; };
        {
            Stream stream{active, standby};
            stream.run();
            CHECK(ends == 0);
        }
        CHECK(ends == 2);
    }

    TEST_CASE("equal settings are noted once, and the stream is synced") {
        Side active("a"), standby("a");
        Stream stream{active, standby};

        stream.run();

        CHECK(stream.error.empty());
        CHECK(active.equal.size() == 1);
        CHECK(standby.equal.size() == 1);
        CHECK(stream.taker.status(stream.now).state == StreamState::synced);
        CHECK(stream.giver.status(stream.now).state == StreamState::synced);
        CHECK(stream.giver.status(stream.now).lag_ms >= 0);
        CHECK(stream.giver.status(stream.now).lag_ms < 1000);
    }

    TEST_CASE("a change on either node reaches the other one") {
        for (const bool on_active : {true, false}) {
            CAPTURE(on_active);
            Side active("a", "a"), standby("a", "a");
            Stream stream{active, standby};
            stream.run();
            Side& changed = on_active ? active : standby;
            Side& other = on_active ? standby : active;

            changed.content.settings.text = "b";
            changed.content.standing.hash = settings_mark(changed.content.settings, 0).hash;
            stream.run();

            CHECK(other.taken == std::vector<std::string>{"b"});
            CHECK(changed.taken.empty());
            CHECK(stream.taker.status(stream.now).settings == Verdict::equal);
            CHECK(changed.equal.size() == 2);
        }
    }

    TEST_CASE("what both changed is kept beside on either node, and taken when ordered") {
        Side active("b", "a"), standby("c", "a");
        Stream stream{active, standby};

        stream.run();

        CHECK(active.kept == std::vector<std::string>{"c"});
        CHECK(standby.kept == std::vector<std::string>{"b"});
        CHECK(active.taken.empty());
        CHECK(standby.taken.empty());
        CHECK(stream.giver.status(stream.now).settings == Verdict::diverged);

        stream.taker.take_theirs();
        stream.run();

        CHECK(standby.taken == std::vector<std::string>{"b"});
        CHECK(active.taken.empty());
        CHECK(stream.giver.status(stream.now).settings == Verdict::equal);
    }

    TEST_CASE("persistence entries reach the standby: what was there, and what comes") {
        Side active("a"), standby("a");
        Table& from = active.add_table("web");
        Table& to = standby.add_table("web");
        active.add_table("only here").put(key(1), 5, ReplicaSession::Time(1h - 1s));
        Stream stream{active, standby};
        for (std::uint64_t i = 1; i <= 9000; ++i)
            from.put(key(i), i % 3 + 1, stream.now - 1s);
        from.put(key(9001), 4, stream.now - 2h);  // expired

        stream.run();

        const auto known = [&](std::uint64_t n) { return to.find(key(n), stream.now); };
        CHECK(known(1) == 2);
        CHECK(known(9000) == 1);
        CHECK_FALSE(known(9001).has_value());
        CHECK(stream.taker.status(stream.now).entries_unknown == 1);
        // As old as they are on the active node: they expire at the same time.
        const auto expired = to.find(key(2), stream.now + 58s + 900ms);
        CHECK_FALSE(expired.has_value());

        from.put(key(9500), 7, stream.now);
        stream.run();
        CHECK(known(9500) == 7);
        // Nothing is sent again that was not used again.
        const auto sent = stream.giver.status(stream.now).entries;
        stream.run();
        stream.run();
        CHECK(stream.giver.status(stream.now).entries == sent);
    }

    TEST_CASE("a large table does not fill the memory of a stream that does not read") {
        Side active("a"), standby("a");
        Table& from = active.add_table("web");
        Stream stream{active, standby};
        for (std::uint64_t i = 1; i <= 10'000; ++i)
            from.put(key(i), 1, stream.now);
        for (int i = 0; i < 20; ++i) {
            stream.now += 50ms;
            REQUIRE(stream.giver.tick(stream.now));
        }
        CHECK(stream.giver.output().size() < 2 * ReplicaSession::output_max);
        CHECK(stream.giver.status(stream.now).state == StreamState::filling);
        stream.now += 10s;
        CHECK_FALSE(stream.giver.tick(stream.now));
    }

    TEST_CASE("secrets and flows go from the active node to the other one alone") {
        Side active("a"), standby("a");
        active.content.secrets = {1, 2, 3};
        standby.content.secrets = {9};
        std::vector<std::vector<std::uint8_t>> flows{{4, 4}, {5}};
        std::vector<std::uint8_t> adopted;
        int begun = 0;
        bool busy = true;
        active.content.flows = {.begin = [&] { ++begun; },
                                .end = {},
                                .take = [&](std::size_t) -> std::vector<std::uint8_t> {
                                    if (flows.empty()) return {};
                                    auto first = flows.front();
                                    flows.erase(flows.begin());
                                    return first;
                                },
                                .adopt = {}};
        standby.content.flows.adopt = [&](std::span<const std::uint8_t> bytes) {
            if (std::exchange(busy, false)) return FlowSource::Adopted::later;
            adopted.insert(adopted.end(), bytes.begin(), bytes.end());
            return FlowSource::Adopted::taken;
        };
        Stream stream{active, standby};

        stream.run();

        CHECK(begun == 1);
        CHECK(standby.secrets == std::vector<std::uint8_t>{1, 2, 3});
        CHECK(active.secrets.empty());
        CHECK(adopted == std::vector<std::uint8_t>{4, 4, 5});

        active.content.secrets = {7};
        stream.run();
        CHECK(standby.secrets == std::vector<std::uint8_t>{7});
    }

    TEST_CASE("what makes no sense ends the stream; what is of a newer version does not") {
        Side active("a"), standby("a");
        const auto answer = [&](FrameKind kind, std::vector<std::uint8_t> content) {
            Stream stream{active, standby};
            std::vector<std::uint8_t> bytes;
            append_frame(bytes, kind, content);
            const auto taken = stream.taker.receive(bytes, stream.now);
            return taken ? std::string() : taken.error();
        };
        CHECK(answer(FrameKind::standing, {0, 1}) != "");
        CHECK(answer(FrameKind::settings, {0xff, 0xff, 0xff, 0xff, 1}) != "");
        CHECK(answer(FrameKind::entries, {3, 'a'}) != "");
        CHECK(answer(FrameKind::mark, {}) != "");
        CHECK(answer(FrameKind::ack, {0, 0, 0, 0, 0, 0, 0, 9, 1}) != "");
        CHECK(answer(static_cast<FrameKind>(77), {1, 2, 3}) == "");
        const std::vector<std::uint8_t> huge{0xff, 0xff, 0xff, 0xff, 1};
        Stream stream{active, standby};
        CHECK_FALSE(stream.taker.receive(huge, stream.now));
    }

    TEST_CASE("settings come back from their bytes, and nothing that leaves the folder does") {
        Settings settings{.text = "services: {}\n",
                          .files = {{"a/b.pem", 0600, std::string("\0\1", 2)}, {"c", 0644, ""}}};
        CHECK(settings_from_bytes(to_bytes(settings)) == settings);
        settings.files[0].path = "../b";
        CHECK_FALSE(settings_from_bytes(to_bytes(settings)).has_value());
        auto cut = to_bytes(settings);
        cut.pop_back();
        CHECK_FALSE(settings_from_bytes(cut).has_value());
    }
}
