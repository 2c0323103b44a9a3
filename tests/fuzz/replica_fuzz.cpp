// Any bytes as what the other node of the pair sends on the stream of replication: nothing
// crashes, no path leaves the folder, and what is answered stays bounded.
#include "ha/replica_session.hpp"

#include <cstdlib>
#include <span>

using namespace poise::ha;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void feed(bool gives, std::span<const std::uint8_t> bytes) {
    const ReplicaSession::Time now{std::chrono::hours(1)};
    ReplicaContent content;
    content.settings.text = "services: {}\n";
    content.standing.hash = settings_mark(content.settings, 0).hash;
    content.tables.emplace_back(
        "web", std::make_shared<poise::persistence::Table>(100, std::chrono::milliseconds(1000)));
    ReplicaEvents events;
    events.on_settings = [](const Settings& settings, const Standing& theirs, bool) {
        require(settings_mark(settings, 0).hash == theirs.hash);
        for (const SettingsFile& file : settings.files)
            require(is_inner_path(file.path));
    };
    ReplicaSession session(gives, content, events, now);
    require(session.tick(now).has_value());
    // Cut anywhere, it is the same stream.
    const std::size_t half = bytes.size() / 2;
    if (session.receive(bytes.first(half), now).has_value())
        (void)session.receive(bytes.subspan(half), now);
    (void)session.tick(now + std::chrono::seconds(1));
    require(content.tables[0].second->size() <= 100);
    require(session.output().size() < 1000 + 64 * (bytes.size() + 1));
    (void)session.status(now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    feed(false, bytes);
    feed(true, bytes);
    if (const auto settings = settings_from_bytes(bytes))
        require(settings_from_bytes(to_bytes(*settings)) == settings);
    return 0;
}
