// The workers' TLS contexts for each configuration: certificates, ticket keys, libraries.
#pragma once

#include "base/log.hpp"
#include "config/model.hpp"
#include "tls/contexts.hpp"
#include "tls/ticket_keys.hpp"

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace poise::app {

/// Control thread.
class TlsInForce {
public:
    using Contexts = std::vector<std::shared_ptr<tls::Contexts>>;  // by worker
    static constexpr std::chrono::hours tickets_rotate_after{8};
    static constexpr std::chrono::hours warned_again_after{24};

    /// `log` outlives this.
    explicit TlsInForce(Log& log) : log_(log) {}

    /// Reads the files that `config` names and makes the contexts; empty when nobody speaks TLS.
    /// The error is a sentence; what is in force is then unchanged.
    std::expected<Contexts, std::string> prepare(const config::Config& config, unsigned workers);

    /// What prepare() has read is served from now on: warns of certificates that need a look.
    void published();

    /// To be called every few seconds: rotates the ticket keys, warns again of certificates that
    /// expire.
    void look(std::chrono::steady_clock::time_point now);

private:
    void warn_of_certificates() const;

    Log& log_;
    std::vector<std::shared_ptr<tls::Library>> libraries_;  // by worker; kept for good
    std::shared_ptr<tls::TicketKeys> tickets_;
    std::vector<std::shared_ptr<const tls::Certificate>> read_;
    std::vector<std::shared_ptr<const tls::Certificate>> served_;
    std::chrono::steady_clock::time_point rotated_{};
    std::chrono::steady_clock::time_point warned_{};
};

}  // namespace poise::app
