// Checks whether the settings of the pair fit together.
#include "config/validate.hpp"

#include <fmt/format.h>

namespace poise::config {

namespace {

constexpr std::size_t paths_max = 8;

}  // namespace

void validate_cluster(const Cluster& cluster, const Checks& checks) {
    const bool given = !cluster.bind.empty() || !cluster.peers.empty();
    if (!given && cluster.key_file.empty()) return;
    if (cluster.key_file.empty())
        checks.error("cluster", "a pair has a key that both nodes share, and key_file is missing",
                     "`poise pair` makes one");
    if (cluster.bind.empty())
        checks.error("cluster", "bind is missing: where the other node's beats are received");
    if (cluster.peers.empty())
        checks.error("cluster", "peers is missing: the other node's addresses");
    if (cluster.bind.empty() || cluster.peers.empty()) return;
    if (cluster.bind.size() != cluster.peers.size()) {
        checks.error("cluster/peers",
                     fmt::format("{} addresses in bind, but {} in peers", cluster.bind.size(),
                                 cluster.peers.size()),
                     "each path has one address at either end");
        return;
    }
    if (cluster.bind.size() > paths_max)
        checks.error("cluster/bind", fmt::format("more than {} paths", paths_max));
    for (std::size_t i = 0; i < cluster.bind.size(); ++i) {
        const auto at = fmt::format("cluster/peers/{}", i);
        if (cluster.bind[i].ip == cluster.peers[i].ip)
            checks.error(
                at, fmt::format("{} is this node's own address", ip_to_string(cluster.peers[i])));
        if (cluster.bind[i].is_v4() != cluster.peers[i].is_v4())
            checks.error(
                at, fmt::format("{} cannot be reached from {}: one is IPv4, the other IPv6",
                                ip_to_string(cluster.peers[i]), ip_to_string(cluster.bind[i])));
    }
}

}  // namespace poise::config
