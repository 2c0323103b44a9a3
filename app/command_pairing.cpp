// `poise pair offer` and `poise pair join`: the cluster key goes from one node to the other, and a
// short code tells that nobody stands between them.
#include "app/commands.hpp"
#include "app/pairing_facts.hpp"
#include "app/pairing_socket.hpp"
#include "app/pairing_talk.hpp"
#include "app/serving.hpp"
#include "app/text.hpp"
#include "config/endpoint.hpp"
#include "config/load.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <ostream>
#include <unistd.h>

namespace poise::app {

using namespace std::chrono_literals;

namespace {

constexpr int strangers_max = 1000;  // who came and spoke otherwise; then something is wrong

// This node, as the options and its files say.
struct Here {
    config::Node node;
    std::string key_file;
    ha::ClusterKeys keys;
    ha::PairingIdentity identity;
};

std::expected<Here, std::string> look_here(const PairingOptions& options, config::Node node) {
    Here here{.node = std::move(node), .key_file = options.key_file, .keys = {}, .identity = {}};
    if (here.key_file.empty()) here.key_file = here.node.cluster.key_file;
    if (here.key_file.empty()) here.key_file = "cluster.key";
    std::error_code ignored;
    if (std::filesystem::exists(here.key_file, ignored)) {
        auto keys = ha::load_cluster_keys(here.key_file);
        if (!keys) return std::unexpected(keys.error());
        here.keys = std::move(*keys);
    } else if (options.offers) {
        return std::unexpected(
            fmt::format("there is no key file '{0}' to offer; `poise pair "
                        "--key-file {0}` makes one",
                        here.key_file));
    }
    here.identity = pairing_identity(here.node, options.config, here.key_file, here.keys);
    return here;
}

PairingTalkSettings talk_settings(const PairingOptions& options, const Here& here,
                                  PairingTime until) {
    return {.own = here.identity,
            .gives = options.offers,
            .yes = options.yes,
            .code_path = options.code,
            .until = until,
            .write = [path = here.key_file](const ha::ClusterKeys& keys) {
                return ha::save_cluster_keys(path, keys);
            }};
}

// What is still to be done on this node.
void tell_next(const Here& here, const PairingConnection& connection, Terminal& terminal) {
    if (!here.node.cluster.key_file.empty()) {
        terminal.out << "if Poise runs here: `poise reload` makes it read the key\n";
        return;
    }
    terminal.out << fmt::format(
        "node.yaml does not name the key yet; it takes a part such as\n"
        "  cluster: {{key_file: {}, bind: \"{}\", peers: \"{}\", role: {}}}\n",
        here.identity.key_file, ip_to_string(connection.local), ip_to_string(connection.remote),
        here.identity.master ? "master" : "slave");
}

std::expected<Address, std::string> listen_address(const PairingOptions& options,
                                                   const config::Node& node) {
    if (!options.listen.empty()) {
        if (auto ip = parse_ip(options.listen)) {
            ip->port = pairing_port;
            return *ip;
        }
        const auto given = config::parse_listen(options.listen);
        if (!given) return std::unexpected(fmt::format("--listen: {}", given.error().message));
        return *given;
    }
    Address address;
    if (!node.cluster.bind.empty()) address = node.cluster.bind.front();
    address.port = pairing_port;
    return address;
}

void tell_how_to_join(const Address& at, const PairingOptions& options, Terminal& terminal) {
    const std::string host = at.is_any() ? host_name() : ip_to_string(at);
    terminal.out << fmt::format(
                        "waiting at {} for {} s; on the other node:\n  poise pair join {}\n",
                        to_string(at), options.limit,
                        config::format_endpoint(host, at.port == pairing_port ? 0 : at.port))
                 << std::flush;
}

int run_offer(const PairingOptions& options, const Here& here, Terminal& terminal) {
    const PairingTime until = std::chrono::steady_clock::now() + options.limit * 1s;
    const auto at = listen_address(options, here.node);
    if (!at) return terminal.fail(at.error());
    auto listener = listen_for_pairing(*at);
    if (!listener) return terminal.fail(listener.error());
    tell_how_to_join(*at, options, terminal);
    OperatorInput input(STDIN_FILENO);
    for (int strangers = 0; strangers < strangers_max; ++strangers) {
        auto connection = accept_pairing(*listener, until);
        if (!connection) return terminal.fail(connection.error());
        ha::Pairing pairing(here.identity, here.keys);
        PairingTalk talk(talk_settings(options, here, until), pairing, connection->socket.fd(),
                         input, terminal);
        const std::string from = ip_to_string(connection->remote);
        if (const auto met = talk.meet(); !met) {
            terminal.out << fmt::format("{} came: {}; waiting on\n", from, met.error())
                         << std::flush;
            continue;
        }
        *listener = Socket();  // there is one exchange
        terminal.out << fmt::format("{} has come\n", from);
        const int code = talk.run();
        if (code == exit_good) tell_next(here, *connection, terminal);
        return code;
    }
    return terminal.fail("too many have come who speak otherwise");
}

int run_join(const PairingOptions& options, const Here& here, Terminal& terminal) {
    const PairingTime until = std::chrono::steady_clock::now() + options.limit * 1s;
    const auto connection = connect_for_pairing(options.host);
    if (!connection) return terminal.fail(connection.error());
    OperatorInput input(STDIN_FILENO);
    ha::Pairing pairing(here.identity);
    PairingTalk talk(talk_settings(options, here, until), pairing, connection->socket.fd(), input,
                     terminal);
    if (const auto met = talk.meet(); !met)
        return terminal.fail(fmt::format("{}: {}", to_string(connection->remote), met.error()));
    const int code = talk.run();
    if (code == exit_good) tell_next(here, *connection, terminal);
    return code;
}

}  // namespace

int run_pairing(const PairingOptions& options, Terminal& terminal) {
    if (options.yes && options.code.empty())
        return terminal.fail("--yes asks nobody, so the other node's code must come by --code");
    config::Node node;
    if (!options.node.empty()) {
        auto loaded = config::load_node(options.node);
        if (!loaded) return print_diagnostics(loaded.error(), terminal);
        node = std::move(*loaded);
    }
    const auto here = look_here(options, std::move(node));
    if (!here) return terminal.fail(here.error());
    return options.offers ? run_offer(options, *here, terminal)
                          : run_join(options, *here, terminal);
}

}  // namespace poise::app
