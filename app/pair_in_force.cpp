#include "app/pair_in_force.hpp"

#include "app/pair_text.hpp"
#include "app/runtime.hpp"
#include "base/hash.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <cassert>
#include <utility>

namespace poise::app {

namespace {

// The servers that are of an address's network are asked whether they know where it is.
std::vector<Address> neighbours_of(const config::Config& config) {
    std::vector<Address> neighbours;
    for (const auto& service : config.services) {
        for (const auto& server : service.servers) {
            if (!server.address) continue;
            Address address = *server.address;
            address.port = 0;
            neighbours.push_back(address);
        }
    }
    return neighbours;
}

}  // namespace

std::expected<std::unique_ptr<PairInForce>, std::string> PairInForce::start(
    const boost::asio::any_io_executor& executor, const config::Node& node,
    const config::Config& config, const proxy::Generation& generation, PairStart start, Log& log) {
    const bool paired = !node.cluster.key_file.empty();
    if (!paired && config.floating_ips.empty()) return nullptr;
    ha::NodeSettings settings;
    settings.name = node.name;
    settings.version = version();
    settings.cluster = node.cluster;
    settings.addresses = config.floating_ips;
    settings.neighbours = neighbours_of(config);
    if (paired) {
        auto keys = ha::load_cluster_keys(node.cluster.key_file);
        if (!keys) return std::unexpected(keys.error());
        settings.keys = std::move(*keys);
    } else {
        settings.keys = {ha::make_cluster_key()};  // nobody is there to read
    }
    std::unique_ptr<PairInForce> made(new PairInForce(executor, node.cluster.hook, log));
    if (paired) {
        auto replica = PairReplica::start(
            executor,
            {.bind = node.cluster.bind, .peers = node.cluster.peers, .keys = settings.keys},
            std::move(start.config_path), std::move(start.history_folder), std::move(start.hooks),
            log);
        if (!replica) return std::unexpected(replica.error());
        made->replica_ = std::move(*replica);
    }
    auto started = ha::Node::start(
        std::move(settings), {.on_change =
                                  [raw = made.get()](const ha::OwnerChange& change) {
                                      boost::asio::post(raw->executor_,
                                                        [raw, change] { raw->on_change(change); });
                                  },
                              .on_line =
                                  [&log](bool bad, const std::string& line) {
                                      const std::string text = "pair: " + line;
                                      bad ? log.warn(text) : log.info(text);
                                  }});
    if (!started) return std::unexpected(started.error());
    made->node_ = std::move(*started);
    made->key_file_ = node.cluster.key_file;
    made->published(config, generation);
    return made;
}

PairInForce::PairInForce(const boost::asio::any_io_executor& executor, const std::string& hook,
                         Log& log)
    : executor_(executor),
      log_(log),
      hook_(executor, hook, [&log](bool bad, const std::string& line) {
          bad ? log.warn("pair: " + line) : log.info("pair: " + line);
      }) {}

PairInForce::~PairInForce() = default;

void PairInForce::on_change(const ha::OwnerChange& change) {
    const bool bad = change.reason == ha::Reason::peer_silent ||
                     change.reason == ha::Reason::peer_left || change.reason == ha::Reason::unfit ||
                     change.reason == ha::Reason::froze;
    const std::string line = "pair: " + change_text(change);
    bad ? log_.warn(line) : log_.info(line);
    if (change.to == ha::State::yielding) return;  // on its way to standby
    const ha::PairStatus now = node_->status();
    if (replica_) replica_->look(now);
    hook_.changed({.active = change.to == ha::State::active,
                   .reason = std::string(word(change.reason)),
                   .node = now.node,
                   .peer = now.peer,
                   .epoch = change.epoch,
                   .addresses = addresses_});
}

void PairInForce::read_keys() {
    if (key_file_.empty()) return;
    auto keys = ha::load_cluster_keys(key_file_);
    if (keys) {
        if (replica_) replica_->set_keys(*keys);
        return node_->set_keys(std::move(*keys));
    }
    log_.warn(fmt::format("pair: {}; the keys of before stay in use", keys.error()));
}

void PairInForce::published(const config::Config& config, const proxy::Generation& generation) {
    read_keys();
    addresses_ = config.floating_ips;
    node_->set_addresses(config.floating_ips);
    node_->set_neighbours(neighbours_of(config));
    if (replica_) replica_->published(config, generation);
    look();
}

ha::PairStatus PairInForce::status() const {
    ha::PairStatus status = node_->status();
    if (replica_) status.replication = replica_->status();
    return status;
}

// The other node's beats tell of its settings later than the stream that brought them here.
std::string PairInForce::takeover(bool force) {
    look();
    return node_->takeover(force);
}

void PairInForce::look() {
    if (!replica_) return;
    const ha::ConfigMark mark = replica_->mark();
    const bool equal = node_->peer_config().hash == mark.hash && !replica_->refused();
    const ha::PairStatus now = status();
    replica_->look(now);
    const bool current =
        now.state == ha::State::active || now.replication.state == ha::StreamState::synced;
    node_->set_config(mark, equal && current);
    const bool different = now.peer_alive && !equal;
    if (different == told_different_) return;
    told_different_ = different;
    if (different)
        log_.warn(
            "pair: the other node has other settings; a planned takeover is refused until both "
            "have the same");
    else
        log_.info("pair: both nodes have the same settings");
}

void PairInForce::stop() {
    node_->stop(stop_limit);
    replica_.reset();
}

}  // namespace poise::app
