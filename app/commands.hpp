// The commands of `poise`, one file each: what they take, as values, and their exit codes.
#pragma once

#include "app/control_protocol.hpp"
#include "app/terminal.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace poise::app {

struct ServeOptions {
    std::string config = "poise.yaml";
    std::string node;     // empty: the defaults
    std::string control;  // empty: what the node file says, else the default place
};
/// Serves until a signal ends it.
int run_serve(const ServeOptions& options, Terminal& terminal);

struct CheckOptions {
    std::vector<std::string> files;
    std::vector<std::string> node_files;
    bool effective = false;
    bool json = false;
};
int run_check(const CheckOptions& options, Terminal& terminal);

int run_schema(bool node, Terminal& terminal);

struct ProxyOptions {
    std::vector<std::string> listen;
    std::vector<std::string> to;
    bool tcp = false;
    bool udp = false;
    std::string tls_cert, tls_key;
    std::string control;  // empty: no control socket, for there may be many sidecars
    int workers = 0;      // 0: one a core
    bool access_log = false;
};
/// A sidecar without a file.
int run_proxy(const ProxyOptions& options, Terminal& terminal);
/// The configuration that stands for these options.
std::string proxy_yaml(const ProxyOptions& options);

struct DemoOptions {
    std::string listen = ":8080";
    std::uint32_t seconds = 0;  // ends by itself after so many; 0: when told to
    std::string control;
};
int run_demo(const DemoOptions& options, Terminal& terminal);

struct StatusOptions {
    std::string service;  // empty: all
    std::string control;
    bool json = false;
    bool watch = false;
};
int run_status(const StatusOptions& options, Terminal& terminal);

struct TopOptions {
    std::string service;  // empty: all
    std::string control;
    std::uint32_t interval = 1;  // seconds
    bool once = false;           // one picture, also without a terminal
};
int run_top(const TopOptions& options, Terminal& terminal);

/// drain, halt, online and weight. `target` is SERVICE/SERVER.
struct ServerOptions {
    ControlVerb verb = ControlVerb::online;
    std::string target;
    std::uint32_t weight = 0;
    std::string control;
    bool json = false;
};
int run_server_command(const ServerOptions& options, Terminal& terminal);

struct ReloadOptions {
    std::string control;
    bool json = false;
};
int run_reload(const ReloadOptions& options, Terminal& terminal);

/// The key that both nodes share: made when the file is missing, shown when it is there.
struct PairOptions {
    std::string key_file = "cluster.key";
    bool add_key = false, use_next = false, drop_old = false;  // the steps of a change of keys
};
int run_pair(const PairOptions& options, Terminal& terminal);

/// `poise pair offer` gives the key to one other node, `poise pair join` gets it from there.
struct PairingOptions {
    bool offers = false;
    std::string host;  // join: where `poise pair offer` waits
    std::string node;  // empty: the defaults
    std::string config = "poise.yaml";
    std::string key_file;       // empty: what node.yaml says, else cluster.key
    std::string listen;         // offer; empty: the first heartbeat address, else all
    std::string code;           // a file with the other node's code, "-": the standard input
    bool yes = false;           // nobody is asked; needs `code`
    std::uint32_t limit = 600;  // seconds, for all of it
};
int run_pairing(const PairingOptions& options, Terminal& terminal);

/// takeover and standby.
struct OwnerOptions {
    ControlVerb verb = ControlVerb::takeover;
    bool force = false;
    std::string control;
    bool json = false;
};
int run_owner_command(const OwnerOptions& options, Terminal& terminal);

/// Whether both nodes of the pair have the same poise.yaml; --take takes the other node's.
struct SettingsOptions {
    bool take = false;
    std::string control;
    bool json = false;
};
int run_settings(const SettingsOptions& options, Terminal& terminal);

struct WhyOptions {
    std::string about;  // a request's id or a service; empty: the last ones
    std::string control;
    bool json = false;
};
int run_why(const WhyOptions& options, Terminal& terminal);

/// `poise alert test`: a message to everybody whom node.yaml names, from this very process.
struct AlertOptions {
    std::string node = "node.yaml";
};
int run_alert_test(const AlertOptions& options, Terminal& terminal);

struct SupportOptions {
    std::string config = "poise.yaml";
    std::string node;  // empty: the defaults
    std::string control;
    std::string out;  // empty: poise-support-TIME.tar.gz, here
};
int run_support(const SupportOptions& options, Terminal& terminal);

struct UserOptions {
    std::string verb;  // add, passwd, remove, token or list
    std::string name;
    std::string role = "administrator";
    std::uint32_t days = 0;  // of a token; 0: it does not expire
    std::string node;        // node.yaml, which says where the users are
    std::string file;        // users.yaml itself
};
/// A password comes from the terminal, or is the first line of `in`.
int run_user(const UserOptions& options, Terminal& terminal, std::istream& in);

}  // namespace poise::app
