// What `poise pair offer` and `poise pair join` tell of this node, and show of both.
#pragma once

#include "config/model.hpp"
#include "ha/cluster_key.hpp"
#include "ha/pairing_message.hpp"

#include <expected>
#include <string>

namespace poise::app {

/// `keys`: those that are there; none: there is no key file. `config_path` is read, and nothing is
/// written.
ha::PairingIdentity pairing_identity(const config::Node& node, const std::string& config_path,
                                     const std::string& key_file, const ha::ClusterKeys& keys);

/// Empty: they may be a pair; else why not, as a sentence.
std::string pairing_obstacle(const ha::PairingIdentity& own, const ha::PairingIdentity& other);

/// Both nodes, and what will be overwritten on either. `gives`: this node gives its key.
std::string pairing_text(const ha::PairingIdentity& own, const ha::PairingIdentity& other,
                         bool gives);

}  // namespace poise::app
