// All that one worker needs for TLS under one configuration.
#pragma once

#include "config/model.hpp"
#include "tls/client_context.hpp"
#include "tls/server_context.hpp"
#include "tls/settings.hpp"

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace poise::tls {

/// What the configuration says of TLS, its files read: the same for all workers.
struct Settings {
    struct Service {
        std::vector<std::optional<ServerSettings>> listeners;  // by place; none: no TLS there
        std::optional<ClientSettings> servers;                 // none: no server has TLS
    };
    std::vector<std::shared_ptr<const Certificate>> certificates;
    std::vector<std::shared_ptr<const StapleSlot>> staples;  // by certificate; null: none
    std::vector<Service> services;                           // in the configuration's order

    bool any() const;
};

/// Reads every file that `config`, which has been checked, names.
std::expected<Settings, Problem> load_settings(const config::Config& config);

/// Which files those are, each once.
std::vector<std::string> files_of(const config::Config& config);

/// What clients will notice of the certificates: see Certificate::warnings. Those that cannot be
/// read are left out.
std::vector<Problem> certificate_warnings(const config::Config& config, Certificate::Time now);

/// Belongs to one worker; made on the control thread.
class Contexts {
public:
    /// Throws std::runtime_error when OpenSSL refuses something.
    Contexts(std::shared_ptr<Library> library, const Settings& settings,
             const std::shared_ptr<const TicketKeys>& tickets);

    Library& library() const { return *library_; }
    const std::shared_ptr<Library>& shared_library() const { return library_; }
    /// Null when there is no TLS. By the service's place in the configuration, and the listener's.
    const ServerContext* listener(std::size_t service, std::size_t listen) const;
    ClientContext* servers(std::size_t service) const;

private:
    std::shared_ptr<Library> library_;
    std::vector<Identity> identities_;
    std::vector<std::unique_ptr<ServerContext>> server_contexts_;  // of different settings
    std::vector<std::vector<const ServerContext*>> listeners_;
    std::vector<std::unique_ptr<ClientContext>> servers_;
};

}  // namespace poise::tls
