// What a reload changes: two configurations compared, for the answer to the operator.
#pragma once

#include "config/model.hpp"

#include <string>
#include <vector>

namespace poise::config {

/// A service that is in both, and what differs in it.
struct ServiceChange {
    std::string name;
    std::vector<Listen> listen_added;
    std::vector<Listen> listen_removed;
    std::vector<std::string> servers_added;  // by name, as in the rest
    std::vector<std::string> servers_removed;
    std::vector<std::string> servers_changed;
    std::vector<std::string> settings;  // keys whose value differs: "timeouts", "rules"

    bool empty() const;
};

struct Diff {
    std::vector<Service> services_added;  // whole, so that the caller can start them
    std::vector<std::string> services_removed;
    std::vector<ServiceChange> services_changed;

    bool empty() const;
};

/// Compares by name: a service or a server of another name is another one. The order of
/// services makes no difference, nor that of servers; the order of rules does.
Diff compare(const Config& before, const Config& after);

/// A line for each change: "service web: server 10.0.0.12:80 added"; "nothing changed" when
/// there is none.
std::string to_string(const Diff& diff);

}  // namespace poise::config
