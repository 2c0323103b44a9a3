// script: a program of the operator's ends with exit code 0. Its arguments are the service's
// address and port, then the server's.
#include "base/child_process.hpp"
#include "pool/conversation.hpp"
#include "pool/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <vector>

namespace poise::pool {

namespace {

// It goes into logs and reports.
std::string printable(std::string text) {
    std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
}

std::string with_line(std::string what, const std::string& line) {
    return line.empty() ? what : fmt::format("{}: {}", what, line);
}

}  // namespace

Task<ProbeResult> probe_script(const config::HealthCheck& check, const ProbeTarget& target) {
    using How = ProcessEnd::How;
    std::vector<std::string> arguments{check.script, ip_to_string(target.virtual_address),
                                       fmt::to_string(target.virtual_address.port),
                                       ip_to_string(target.server),
                                       fmt::to_string(target.server.port)};
    const auto end = co_await run_process(std::move(arguments), check.timeout);
    const auto line = printable(end.first_line);
    switch (end.how) {
        case How::exited:
            if (end.code == 0) co_return ProbeResult{.ok = true, .reason = line};
            co_return ProbeResult{
                .reason = with_line(fmt::format("the script ended with code {}", end.code), line)};
        case How::killed:
            co_return ProbeResult{
                .reason = with_line(fmt::format("signal {} ended the script", end.code), line)};
        case How::timed_out:
            co_return ProbeResult{.reason = fmt::format("timed out after {} running the script",
                                                        duration_text(check.timeout))};
        case How::not_started:
            break;
    }
    co_return ProbeResult{.reason = fmt::format("cannot run {}: {}", check.script,
                                                std::generic_category().message(end.code))};
}

}  // namespace poise::pool
