#include "app/pair_replica.hpp"

#include "admin/file.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <utility>

namespace poise::app {

namespace asio = boost::asio;

std::expected<std::unique_ptr<PairReplica>, std::string> PairReplica::start(
    const asio::any_io_executor& executor, ha::ReplicatorSettings settings, std::string config_path,
    std::string history_folder, ReplicaHooks hooks, Log& log) {
    std::unique_ptr<PairReplica> made(new PairReplica(
        executor, std::move(config_path), std::move(history_folder), std::move(hooks), log));
    auto started = ha::Replicator::start(std::move(settings), made->events());
    if (!started) return std::unexpected(started.error());
    made->replicator_ = std::move(*started);
    return made;
}

PairReplica::PairReplica(asio::any_io_executor executor, std::string config_path,
                         std::string history_folder, ReplicaHooks hooks, Log& log)
    : executor_(std::move(executor)),
      folder_(std::move(config_path), std::move(history_folder)),
      hooks_(std::move(hooks)),
      log_(log),
      self_(std::make_shared<PairReplica*>(this)) {}

PairReplica::~PairReplica() {
    *self_ = nullptr;
}

// Called on the stream's thread; each is done on the control thread, while this lives.
ha::ReplicaEvents PairReplica::events() {
    const auto later = [executor = executor_, self = self_](auto work) {
        asio::post(executor, [self, work = std::move(work)] {
            if (*self != nullptr) work(**self);
        });
    };
    ha::ReplicaEvents events;
    events.on_equal = [later](const ha::Hash& hash) {
        later([hash](PairReplica& replica) {
            replica.folder_.note_equal(hash);
            replica.problem_.clear();
            replica.delayed_.reset();
            replica.give();
        });
    };
    events.on_settings = [later](const ha::Settings& settings, const ha::Standing& theirs,
                                 bool take) {
        later([settings, theirs, take](PairReplica& replica) {
            replica.received(settings, theirs, take);
        });
    };
    events.on_secrets = [later](const std::vector<std::uint8_t>& secrets) {
        later([secrets](PairReplica& replica) {
            if (replica.hooks_.adopt_secrets) replica.hooks_.adopt_secrets(secrets);
        });
    };
    events.on_end = [later] {
        later([](PairReplica& replica) {
            replica.ordered_ = false;
            replica.delayed_.reset();
        });
    };
    events.on_line = [&log = log_](bool bad, const std::string& line) {
        bad ? log.warn("pair: " + line) : log.info("pair: " + line);
    };
    return events;
}

void PairReplica::give() {
    replicator_->set_content({.settings = folder_.settings(),
                              .standing = folder_.standing(),
                              .secrets = secrets_,
                              .tables = tables_,
                              .flows = hooks_.flows});
}

void PairReplica::published(const config::Config& config, const proxy::Generation& generation) {
    folder_.read(config);
    tables_.clear();
    for (const auto& service : generation.services)
        if (service->table) tables_.emplace_back(service->configured.name, service->table);
    if (hooks_.secrets) secrets_ = hooks_.secrets();
    give();
}

void PairReplica::look(const ha::PairStatus& pair) {
    const bool gives = pair.state == ha::State::active;
    const bool takes = (pair.state == ha::State::standby || pair.state == ha::State::listening) &&
                       pair.peer_alive && pair.peer_state == ha::State::active;
    replicator_->set_roles(gives, takes);
    take_again();
    if (!hooks_.secrets) return;
    auto secrets = hooks_.secrets();
    if (secrets == secrets_) return;
    secrets_ = std::move(secrets);
    give();
}

void PairReplica::received(const ha::Settings& settings, const ha::Standing& theirs,
                           bool replaces) {
    const bool ordered = std::exchange(ordered_, false);
    delayed_.reset();
    if (replaces && (ordered || !folder_.edited())) return take(settings, theirs);
    folder_.keep_other(settings);
    problem_ = replaces ? fmt::format(
                              "{0} was edited here and not loaded, so the other node's, which "
                              "is newer, was not taken: see `poise settings`",
                              folder_.config_path())
                        : "the nodes have different settings, and both were changed: see "
                          "`poise settings`";
    log_.warn("pair: " + problem_);
}

void PairReplica::take(const ha::Settings& settings, const ha::Standing& theirs) {
    const auto taken = folder_.take(settings, theirs, hooks_.reload);
    if (taken) {
        problem_.clear();
        log_.info(fmt::format("pair: took the other node's settings, version {}", theirs.version));
        return give();
    }
    if (taken.error().again) {
        problem_ = taken.error().why + ": the other node's settings are taken after that";
        delayed_ = Delayed{settings, theirs, folder_.standing().hash};
        return;
    }
    folder_.keep_other(settings);
    problem_ = fmt::format("the other node's settings are not good here, and were not taken: {}",
                           taken.error().why);
    log_.error("pair: " + problem_);
    give();
}

// What was changed here meanwhile is not overwritten; the stream compares it anew.
void PairReplica::take_again() {
    if (!delayed_) return;
    const Delayed delayed = std::move(*std::exchange(delayed_, {}));
    if (delayed.ours == folder_.standing().hash && !folder_.edited())
        return take(delayed.settings, delayed.theirs);
    problem_ =
        "the other node's settings were not taken, for poise.yaml was changed here meanwhile: see "
        "`poise settings`";
    log_.warn("pair: " + problem_);
    folder_.keep_other(delayed.settings);
}

std::string PairReplica::take_theirs() {
    if (folder_.config_path().empty()) return "this Poise was started without a file";
    const ha::ReplicationStatus now = replicator_->status();
    if (now.settings_known && now.settings == ha::Verdict::equal)
        return "both nodes have the same settings";
    ordered_ = replicator_->take_theirs();
    return ordered_ ? "" : "there is no stream to the other node; `poise status` says why";
}

PairReplica::Texts PairReplica::texts() const {
    auto theirs = admin::read_whole(folder_.other_path(), ha::settings_bytes_max);
    if (!theirs) return {};
    return {folder_.settings().text, std::move(*theirs)};
}

ha::ConfigMark PairReplica::mark() const {
    return {.version = folder_.standing().version, .hash = folder_.standing().hash};
}

ha::ReplicationStatus PairReplica::status() const {
    ha::ReplicationStatus status = replicator_->status();
    if (!problem_.empty()) status.problem = problem_;
    return status;
}

}  // namespace poise::app
