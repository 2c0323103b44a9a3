#include "app/pairing_facts.hpp"

#include "app/runtime.hpp"
#include "app/settings_folder.hpp"
#include "app/text.hpp"
#include "base/hash.hpp"
#include "config/load.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string_view>

namespace poise::app {

namespace {

using ha::PairingIdentity;

std::string node_text(std::string_view which, const PairingIdentity& node) {
    return fmt::format("{:<12}{} on host {}, id {:016x}, {}, Poise {}\n", which,
                       printable(node.name), printable(node.host), node.node_id,
                       node.master ? "master" : "slave", printable(node.version));
}

std::string key_text(const PairingIdentity& node, const PairingIdentity& giver, bool gives) {
    const std::string file = printable(node.key_file);
    if (gives) return fmt::format("  key       {:08x} in {}, stays\n", node.key.value_or(0), file);
    const std::uint32_t next = giver.key.value_or(0);
    if (!node.key) return fmt::format("  key       {} will be made, with key {:08x}\n", file, next);
    if (node.key == giver.key)
        return fmt::format("  key       {} has key {:08x} already\n", file, next);
    return fmt::format("  key       {} with key {:08x} WILL BE OVERWRITTEN by key {:08x}\n", file,
                       *node.key, next);
}

// As replication decides it once both run: ha/settings.
std::string settings_text(const PairingIdentity& own, const PairingIdentity& other) {
    const std::string there = printable(other.name);
    if (!own.settings || !other.settings)
        return fmt::format(
            "settings    {} has no poise.yaml that loads, so nothing can be said of what will be "
            "replaced\n",
            own.settings ? there : "this node");
    const auto replaced = [](const std::string& where, std::uint32_t files,
                             const std::string& from) {
        return fmt::format(
            "settings    poise.yaml of {} and the certificates, keys and other files that it names "
            "({}) WILL BE REPLACED by those of {}, which are newer\n",
            where, files, from);
    };
    switch (ha::compare(*own.settings, *other.settings)) {
        case ha::Verdict::equal:
            return "settings    both nodes have the same poise.yaml and files\n";
        case ha::Verdict::take_theirs:
            return replaced("this node", own.files, there);
        case ha::Verdict::give_ours:
            return replaced(there, other.files, "this node");
        case ha::Verdict::diverged:
            return "settings    poise.yaml or a file that it names differs, and neither is newer: "
                   "both stay\n            until `poise settings --take` is said on the node that "
                   "is to take the other's\n";
    }
    return {};
}

}  // namespace

PairingIdentity pairing_identity(const config::Node& node, const std::string& config_path,
                                 const std::string& key_file, const ha::ClusterKeys& keys) {
    PairingIdentity identity;
    identity.host = host_name();
    identity.name = node.name.empty() ? identity.host : node.name;
    identity.version = version();
    identity.node_id = hash64(identity.name);  // as ha::Node makes it
    identity.master = node.cluster.role == config::Role::master;
    std::error_code relative;
    const auto absolute = std::filesystem::absolute(key_file, relative);
    identity.key_file = relative ? key_file : absolute.string();
    if (!keys.empty()) identity.key = ha::key_id(keys.front());
    const auto config = config::load_config(config_path);
    if (!config) return identity;
    SettingsFolder folder(config_path, "");
    folder.look(*config);
    identity.settings = folder.standing();
    identity.files = static_cast<std::uint32_t>(folder.settings().files.size());
    return identity;
}

std::string pairing_obstacle(const PairingIdentity& own, const PairingIdentity& other) {
    if (own.node_id != other.node_id) return {};
    return fmt::format(
        "both nodes have the name {}: give one of them another by node.name in its node.yaml",
        printable(own.name));
}

std::string pairing_text(const PairingIdentity& own, const PairingIdentity& other, bool gives) {
    std::string text = node_text("this node", own) + key_text(own, gives ? own : other, gives) +
                       node_text("other node", other) +
                       key_text(other, gives ? own : other, !gives) + settings_text(own, other);
    if (own.master == other.master)
        text += fmt::format(
            "roles       both are {}: give one of them the other role by cluster.role\n",
            own.master ? "master" : "slave");
    return text;
}

}  // namespace poise::app
