// /metrics: what `poise status` knows, in Prometheus' text format 0.0.4.
#pragma once

#include "admin/program.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace poise::admin {

/// Lines of servers and of reasons beyond it are left out and counted, so that a scrape stays
/// bounded whatever is configured.
constexpr std::size_t metric_lines_max = 50'000;

/// `status` is the JSON of `poise status`, `alerts` that of the alerts; what they do not hold is
/// left out.
std::string metrics_text(const std::string& status, std::span<const CertificateFacts> certificates,
                         const std::string& alerts = {});

/// Memory, descriptors and CPU of this process, by thread. Reads /proc.
std::string process_metrics();

}  // namespace poise::admin
