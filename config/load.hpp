// The one way into the configuration: check, serve, reload and the sidecar all load here.
#pragma once

#include "config/diagnostic.hpp"
#include "config/model.hpp"
#include "config/units.hpp"

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poise::config {

using Diagnostics = std::vector<Diagnostic>;

/// What only the machine can tell of a value; nullopt when it will do. Each may be empty.
struct MachineChecks {
    std::function<std::optional<Problem>(const Address&, Transport)> listen;
    std::function<std::optional<Problem>(const Certificate&)> certificate;
    std::function<std::optional<Problem>(const FloatingAddress&)> floating_ip;
    std::function<std::optional<Problem>(const ListenTls&)> listen_tls;
    std::function<std::optional<Problem>(const ServerTls&)> server_tls;
    std::function<std::optional<Problem>(const std::string& path)> log_file;
    std::function<std::optional<Problem>(const std::string& path)> control;
    std::function<std::optional<Problem>(IoEngine)> io;
};

/// Reads and checks `path`. Returns every error of the file, in the file's order. Files that it
/// names (body_file, scripts) are looked up relative to its folder. Does no name resolution.
std::expected<Config, Diagnostics> load_config(const std::string& path,
                                               const MachineChecks& machine = {});
std::expected<Node, Diagnostics> load_node(const std::string& path,
                                           const MachineChecks& machine = {});

/// The same for text in memory; `name` stands for the file in diagnostics, `folder` is where
/// relative paths start.
std::expected<Config, Diagnostics> parse_config(std::string_view text, const std::string& name,
                                                const std::string& folder = ".",
                                                const MachineChecks& machine = {});
std::expected<Node, Diagnostics> parse_node(std::string_view text, const std::string& name,
                                            const MachineChecks& machine = {});

/// Where the administration listens when node.yaml does not say: on loopback. A node without a file
/// has it, too; a Node made in memory has none.
Admin admin_defaults();

/// The configuration in force as YAML, every default written out (`check --effective`). Loading
/// the result gives an equal Config.
std::string effective_yaml(const Config& config);
std::string effective_yaml(const Node& node);

/// JSON Schema (2020-12) of poise.yaml and of node.yaml.
std::string config_json_schema();
std::string node_json_schema();

/// docs/CONFIG.md, made from the key table.
std::string config_reference_markdown();

}  // namespace poise::config
