// `poise alert test`: do the messages arrive?
#include "admin/alert_transport.hpp"
#include "admin/alerts.hpp"
#include "app/commands.hpp"
#include "app/serving.hpp"
#include "app/text.hpp"
#include "config/load.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <ostream>
#include <signal.h>

namespace poise::app {

namespace {

// Prints how it went; true when it went well.
bool told(const std::string& name, const admin::SendResult& result, Terminal& terminal) {
    if (result.error.empty()) {
        terminal.out << fmt::format("{}: taken\n", name) << std::flush;
        return true;
    }
    terminal.err << fmt::format("poise: {}: {}{}\n", name, result.error,
                                result.permanent ? "" : " (Poise would try it again)");
    return false;
}

}  // namespace

int run_alert_test(const AlertOptions& options, Terminal& terminal) {
    const auto node = config::load_node(options.node);
    if (!node) return print_diagnostics(node.error(), terminal);
    const config::Alerts& alerts = node->alerts;
    if (!alerts.smtp && !alerts.webhook)
        return terminal.fail(options.node + " names neither alerts.smtp nor alerts.webhook");
    const auto now = std::chrono::floor<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const admin::AlertMessage message = admin::test_message(
        node->name.empty() ? host_name() : node->name, "the command line", now.count());
    ::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for a valid number
    const std::atomic<bool> stop{false};
    bool good = true;
    if (alerts.smtp)
        good &= told(admin::name_of(*alerts.smtp), admin::send_mail(*alerts.smtp, message, stop),
                     terminal);
    if (alerts.webhook)
        good &= told(admin::name_of(*alerts.webhook), admin::post(*alerts.webhook, message, stop),
                     terminal);
    return good ? exit_good : exit_failure;
}

}  // namespace poise::app
