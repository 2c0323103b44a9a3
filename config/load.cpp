#include "config/load.hpp"

#include "config/draft.hpp"
#include "config/file.hpp"
#include "config/places.hpp"
#include "config/reader.hpp"
#include "config/resolve.hpp"
#include "config/schema.hpp"
#include "config/tree.hpp"
#include "config/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace poise::config {

namespace {

std::unexpected<Diagnostics> cannot_load(const std::string& path, const std::string& why) {
    return std::unexpected(Diagnostics{{{path, 0, 0}, fmt::format("the file {}", why), {}}});
}

// A file without a single key says nothing that could be checked further.
bool is_mapping(const Tree& tree, const std::string& name, Report& report) {
    if (tree.kind == Tree::Kind::map) return true;
    if (tree.kind == Tree::Kind::null) {
        report.add({{name, 1, 1},
                    "the file is empty",
                    "write for example: services: {web: {listen: \":8080\", servers: "
                    "[10.0.0.1:80]}}"});
    } else {
        report.add({{name, tree.line, tree.column},
                    "the file must be a mapping: keys, each followed by ': ' and its value",
                    {}});
    }
    return false;
}

template <typename Check, typename... Values>
void ask_machine(const Check& check, const std::string& path, const Checks& checks,
                 const Values&... values) {
    if (!check || checks.places.broken(path)) return;
    if (auto problem = check(values...))
        checks.error(path, std::move(problem->message), std::move(problem->hint));
}

// The other node may have them now.
bool is_floating(const Address& address, const std::vector<FloatingAddress>& floating) {
    return std::ranges::any_of(
        floating, [&](const FloatingAddress& one) { return one.address.ip == address.ip; });
}

void ask_machine(const MachineChecks& machine, const std::vector<Service>& services,
                 const std::vector<FloatingAddress>& floating, const Checks& checks) {
    for (std::size_t i = 0; i < services.size() && !checks.report.full(); ++i) {
        if (services[i].mode != Mode::snat) continue;  // layer 4 opens no listening socket
        for (std::size_t j = 0; j < services[i].listen.size(); ++j) {
            const Listen& listen = services[i].listen[j];
            const auto at = fmt::format("services/{}/listen/{}", i, j);
            if (!is_floating(listen.address, floating))
                ask_machine(machine.listen, at, checks, listen.address,
                            transport_of(services[i].protocol));
            if (listen.tls.enabled)
                ask_machine(machine.listen_tls, at + "/tls", checks, listen.tls);
        }
        if (std::ranges::any_of(services[i].servers, &Server::tls))
            ask_machine(machine.server_tls, fmt::format("services/{}/server_tls", i), checks,
                        services[i].server_tls);
    }
}

void ask_machine(const MachineChecks& machine, const std::vector<Certificate>& certificates,
                 const Checks& checks) {
    for (std::size_t i = 0; i < certificates.size() && !checks.report.full(); ++i)
        ask_machine(machine.certificate, fmt::format("certificates/{}", i), checks,
                    certificates[i]);
}

}  // namespace

std::expected<Config, Diagnostics> parse_config(std::string_view text, const std::string& name,
                                                const std::string& folder,
                                                const MachineChecks& machine) {
    Report report;
    const auto tree = parse_tree(text, name, report);
    if (!tree) return std::unexpected(report.take());
    if (!is_mapping(*tree, name, report)) return std::unexpected(report.take());
    Draft draft;
    Places places(name);
    const Mapping other = node_mapping();
    read_tree(*tree, config_mapping(), &other, &draft, places, report);
    const Checks checks{places, report, folder};
    resolve(draft, checks);
    validate(draft.services, checks);
    validate_tls(draft.services, draft.certificates, checks);
    validate_floating_ips(draft.floating_ips, checks);
    for (std::size_t i = 0; i < draft.floating_ips.size() && !report.full(); ++i)
        ask_machine(machine.floating_ip, fmt::format("floating_ips/{}", i), checks,
                    draft.floating_ips[i]);
    ask_machine(machine, draft.certificates, checks);
    ask_machine(machine, draft.services, draft.floating_ips, checks);
    if (!report.empty()) return std::unexpected(report.take());
    return Config{std::move(draft.services), std::move(draft.certificates),
                  std::move(draft.floating_ips)};
}

std::expected<Node, Diagnostics> parse_node(std::string_view text, const std::string& name,
                                            const MachineChecks& machine) {
    Report report;
    const auto tree = parse_tree(text, name, report);
    if (!tree) return std::unexpected(report.take());
    // Every key has a default, so a file of comments alone is a whole one.
    if (tree->kind != Tree::Kind::null && !is_mapping(*tree, name, report))
        return std::unexpected(report.take());
    Node node;
    node.admin = admin_defaults();
    Places places(name);
    const Mapping other = config_mapping();
    read_tree(*tree, node_mapping(), &other, &node, places, report);
    const Checks checks{places, report, {}};
    validate_cluster(node.cluster, checks);
    validate_alerts(node.alerts, checks);
    if (!node.log_file.empty()) ask_machine(machine.log_file, "log/file", checks, node.log_file);
    if (!node.control.empty()) ask_machine(machine.control, "node/control", checks, node.control);
    ask_machine(machine.io, "node/io", checks, node.io);
    if (!report.empty()) return std::unexpected(report.take());
    return node;
}

std::expected<Config, Diagnostics> load_config(const std::string& path,
                                               const MachineChecks& machine) {
    const auto text = read_file(path, file_bytes_max);
    if (!text) return cannot_load(path, text.error());
    return parse_config(*text, path, std::filesystem::path(path).parent_path().string(), machine);
}

std::expected<Node, Diagnostics> load_node(const std::string& path, const MachineChecks& machine) {
    const auto text = read_file(path, file_bytes_max);
    if (!text) return cannot_load(path, text.error());
    return parse_node(*text, path, machine);
}

}  // namespace poise::config
