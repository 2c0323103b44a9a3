#include "app/tls_in_force.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace poise::app {

using Clock = std::chrono::steady_clock;

std::expected<TlsInForce::Contexts, std::string> TlsInForce::prepare(const config::Config& config,
                                                                     unsigned workers) {
    const auto settings = tls::load_settings(config);
    if (!settings) {
        const auto& problem = settings.error();
        return std::unexpected(problem.hint.empty()
                                   ? problem.message
                                   : fmt::format("{}: {}", problem.message, problem.hint));
    }
    read_ = settings->certificates;
    Contexts contexts;
    if (!settings->any()) return contexts;
    if (!tickets_) {
        tickets_ = std::make_shared<tls::TicketKeys>();
        rotated_ = Clock::now();
    }
    try {
        while (libraries_.size() < workers)
            libraries_.push_back(std::make_shared<tls::Library>());
        for (unsigned i = 0; i < workers; ++i)
            contexts.push_back(std::make_shared<tls::Contexts>(libraries_[i], *settings, tickets_));
    } catch (const std::runtime_error& error) {
        return std::unexpected(fmt::format("TLS: {}", error.what()));
    }
    return contexts;
}

void TlsInForce::published() {
    served_ = std::move(read_);
    warn_of_certificates();
    warned_ = Clock::now();
}

void TlsInForce::look(Clock::time_point now) {
    if (tickets_ && now - rotated_ >= tickets_rotate_after) {
        tickets_->rotate();
        rotated_ = now;
    }
    if (now - warned_ < warned_again_after) return;
    warned_ = now;
    warn_of_certificates();
}

void TlsInForce::warn_of_certificates() const {
    for (const auto& certificate : served_)
        for (const auto& problem : certificate->warnings(std::chrono::system_clock::now()))
            log_.warn(fmt::format("{}: {}", problem.message, problem.hint));
}

}  // namespace poise::app
