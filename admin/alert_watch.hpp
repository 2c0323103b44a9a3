// Finds what is wrong in each status, and tells what came and what went since the one before.
#pragma once

#include "admin/alert.hpp"
#include "admin/program.hpp"
#include "admin/status_document.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace poise::admin {

/// Sees what `poise status` and the page see. A problem is told when two statuses in a row have
/// it, and its end at once. A node on standby tells nothing of servers and services: the active
/// one does. Knows no clock.
class AlertWatch {
public:
    /// Different problems at one time; more are not told.
    static constexpr std::size_t problems_max = 2'000;

    explicit AlertWatch(const config::Alerts& settings) : settings_(settings) {}

    std::vector<Alert> take_status(const StatusDocument& status, std::int64_t now_s);
    std::vector<Alert> take_certificates(std::span<const CertificateFacts> certificates,
                                         std::int64_t now_s);
    /// Of a reload: empty when it is in force, else why it was refused.
    std::vector<Alert> take_reload(const std::string& error, std::int64_t now_s);

    /// What is wrong now, the oldest first.
    std::vector<Alert> open() const;

private:
    using Problems = std::map<std::string, Alert>;  // by kind and subject
    struct Open {
        Alert alert;
        unsigned seen = 0;  // statuses in a row
        bool told = false;
    };

    bool wants(config::AlertKind kind) const;
    std::vector<Alert> compare(const Problems& now, std::span<const config::AlertKind> kinds,
                               unsigned seen_least, std::int64_t now_s);

    const config::Alerts settings_;
    std::map<std::string, Open> open_;
    std::string pair_state_;
};

}  // namespace poise::admin
