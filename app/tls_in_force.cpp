#include "app/tls_in_force.hpp"

#include "app/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace poise::app {

using Clock = std::chrono::steady_clock;

namespace {

std::int64_t seconds_of(std::chrono::system_clock::time_point at) {
    return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
}

std::string_view word_of(const Stapled& entry) {
    using State = tls::OcspAnswer::State;
    if (entry.failing) return "failing";
    if (!entry.last) return "asking";
    if (*entry.last == State::good) return "good";
    return *entry.last == State::revoked ? "revoked" : "unknown";
}

}  // namespace

std::expected<TlsInForce::Contexts, std::string> TlsInForce::prepare(const config::Config& config,
                                                                     unsigned workers) {
    read_marks_ = marks_of(tls::files_of(config));
    auto settings = tls::load_settings(config);
    if (!settings) {
        const auto& problem = settings.error();
        return std::unexpected(problem.hint.empty()
                                   ? problem.message
                                   : fmt::format("{}: {}", problem.message, problem.hint));
    }
    read_.clear();
    for (std::size_t i = 0; i < config.certificates.size(); ++i)
        read_.push_back({settings->certificates[i], config.certificates[i].ocsp_stapling});
    read_checks_.reset();
    prepare_stapling(config, *settings);
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
        prepare_checks(*settings);
    } catch (const std::runtime_error& error) {
        return std::unexpected(fmt::format("TLS: {}", error.what()));
    }
    return contexts;
}

tls::TicketKeys::Keys TlsInForce::ticket_keys() const {
    return tickets_ ? *tickets_->get() : tls::TicketKeys::Keys();
}

void TlsInForce::adopt_ticket_keys(tls::TicketKeys::Keys keys) {
    if (keys.empty()) return;
    if (!tickets_) tickets_ = std::make_shared<tls::TicketKeys>();
    tickets_->adopt(std::move(keys));
    rotated_ = Clock::now();  // the other node does that now
}

// What cannot be stapled is served all the same: clients do without.
void TlsInForce::prepare_stapling(const config::Config& config, tls::Settings& settings) {
    read_stapled_.clear();
    for (std::size_t i = 0; i < config.certificates.size(); ++i) {
        if (!config.certificates[i].ocsp_stapling) continue;
        const auto entry = stapling_.find_or_make(*settings.certificates[i]);
        if (!entry) {
            log_.warn(fmt::format("{}: {}", entry.error().message, entry.error().hint));
            continue;
        }
        settings.staples[i] = (*entry)->slot;
        read_stapled_.push_back(*entry);
    }
}

void TlsInForce::prepare_checks(const tls::Settings& settings) {
    tls::Settings towards_servers;
    for (const auto& service : settings.services)
        towards_servers.services.push_back({.listeners = {}, .servers = service.servers});
    if (!towards_servers.any()) return;
    if (!checks_library_) checks_library_ = std::make_shared<tls::Library>();
    read_checks_ = std::make_shared<tls::Contexts>(checks_library_, towards_servers, tickets_);
}

std::shared_ptr<tls::ClientContext> TlsInForce::checks(std::size_t service) const {
    if (!checks_) return nullptr;
    return {checks_, checks_->servers(service)};
}

void TlsInForce::published() {
    checks_ = std::move(read_checks_);
    served_ = std::move(read_);
    files_.begin(std::move(read_marks_));
    stapling_.keep(std::move(read_stapled_));
    warn_of_certificates();
    warned_ = Clock::now();
}

void TlsInForce::look(Clock::time_point now) {
    if (tickets_ && now - rotated_ >= tickets_rotate_after) {
        tickets_->rotate();
        rotated_ = now;
    }
    stapling_.look(now);
    if (now - warned_ < warned_again_after) return;
    warned_ = now;
    warn_of_certificates();
}

void TlsInForce::warn_of_certificates() const {
    const auto now = std::chrono::system_clock::now();
    for (const Served& each : served_)
        for (const auto& problem : each.certificate->warnings(now, each.stapling))
            log_.warn(fmt::format("{}: {}", problem.message, problem.hint));
}

std::vector<CertificateStatus> TlsInForce::certificates() const {
    std::vector<CertificateStatus> found;
    const auto now = std::chrono::system_clock::now();
    for (const Served& each : served_) {
        const tls::Certificate& certificate = *each.certificate;
        CertificateStatus& one = found.emplace_back();
        one.file = certificate.file();
        one.names = certificate.names();
        one.key = tls::word(certificate.kind());
        one.not_after = seconds_of(certificate.not_after());
        one.ocsp = each.stapling ? "impossible" : "off";
        const auto stapled = std::ranges::find_if(stapling_.kept(), [&](const auto& entry) {
            return each.stapling && entry->file == certificate.file();
        });
        if (stapled == stapling_.kept().end()) continue;
        one.ocsp = word_of(**stapled);
        if (const auto staple = (*stapled)->slot->get(now))
            one.stapled_until = seconds_of(staple->good_until);
    }
    std::ranges::sort(found, {}, &CertificateStatus::not_after);
    return found;
}

}  // namespace poise::app
