// Replication as the running program has it: what is in force goes to the other node of the pair,
// and what comes from there is put in force.
#pragma once

#include "app/settings_folder.hpp"
#include "base/log.hpp"
#include "config/model.hpp"
#include "ha/pair_status.hpp"
#include "ha/replicator.hpp"
#include "proxy/service.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poise::app {

/// What replication asks of the program. Control thread.
struct ReplicaHooks {
    /// Reads poise.yaml again. Empty: it is in force; else why not.
    std::function<std::string()> reload;
    /// The keys of cookies, persistence and session tickets, as bytes, and those of the other node.
    std::function<std::vector<std::uint8_t>()> secrets;
    std::function<void(const std::vector<std::uint8_t>&)> adopt_secrets;
    ha::FlowSource flows;  // any thread
};

/// Control thread.
class PairReplica {
public:
    /// `executor` is the control thread's and outlives this, as `log` does.
    static std::expected<std::unique_ptr<PairReplica>, std::string> start(
        const boost::asio::any_io_executor& executor, ha::ReplicatorSettings settings,
        std::string config_path, std::string history_folder, ReplicaHooks hooks, Log& log);
    ~PairReplica();
    PairReplica(const PairReplica&) = delete;
    PairReplica& operator=(const PairReplica&) = delete;

    /// `config` is in force now, as it was read from the disk.
    void published(const config::Config& config, const proxy::Generation& generation);
    void set_keys(ha::ClusterKeys keys) { replicator_->set_keys(std::move(keys)); }
    /// At each change of owner and every few seconds.
    void look(const ha::PairStatus& pair);

    /// `poise settings --take`. Empty: under way; else why not.
    std::string take_theirs();
    /// Our poise.yaml and the other node's when they differ and the latter is known, else empty.
    struct Texts {
        std::string ours, theirs;
    };
    Texts texts() const;

    ha::ConfigMark mark() const;
    /// The other node's settings came and are not in force here, so far; status() says why.
    bool refused() const { return !problem_.empty(); }
    ha::ReplicationStatus status() const;

private:
    PairReplica(boost::asio::any_io_executor executor, std::string config_path,
                std::string history_folder, ReplicaHooks hooks, Log& log);

    ha::ReplicaEvents events();
    void give();
    void received(const ha::Settings& settings, const ha::Standing& theirs, bool replaces);
    void take(const ha::Settings& settings, const ha::Standing& theirs);
    void take_again();

    boost::asio::any_io_executor executor_;
    SettingsFolder folder_;
    ReplicaHooks hooks_;
    Log& log_;
    std::vector<std::pair<std::string, std::shared_ptr<persistence::Table>>> tables_;
    std::vector<std::uint8_t> secrets_;
    bool ordered_ = false;  // by `poise settings --take`, of the stream that is
    // Could not be taken because somebody was changing poise.yaml, which had the hash `ours`.
    struct Delayed {
        ha::Settings settings;
        ha::Standing theirs;
        ha::Hash ours{};
    };
    std::optional<Delayed> delayed_;
    std::string problem_;                 // why the other node's settings were not taken
    std::shared_ptr<PairReplica*> self_;  // null when this has ended: for what was posted
    std::unique_ptr<ha::Replicator> replicator_;
};

}  // namespace poise::app
