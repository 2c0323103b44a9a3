// Checks whether the settings of the alerts fit together, and whether their files are there.
#include "config/validate.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <unistd.h>

namespace poise::config {

namespace {

constexpr std::size_t recipients_max = 50;

void check_file(const std::string& path, std::string_view at, const Checks& checks) {
    if (path.empty() || ::access(path.c_str(), R_OK) == 0) return;
    checks.error(at, fmt::format("'{}' cannot be read: {}", path,
                                 std::error_code(errno, std::generic_category()).message()));
}

bool is_of_this_node(const std::string& server) {
    return server.starts_with("127.") || server.starts_with("[::1]") ||
           server.starts_with("localhost:");
}

void validate_mail(const AlertMail& mail, const Checks& checks) {
    if (checks.places.broken("alerts/smtp")) return;
    if (mail.server.empty())
        checks.error("alerts/smtp", "server is missing", "write for example mail.example.com:587");
    if (mail.from.empty()) checks.error("alerts/smtp", "from is missing: whom messages are from");
    if (mail.to.empty()) checks.error("alerts/smtp", "to is missing: whom messages go to");
    if (mail.to.size() > recipients_max)
        checks.error("alerts/smtp/to", fmt::format("more than {} addresses", recipients_max),
                     "a mailing list has one address for many people");
    if (mail.user.empty() != mail.password_file.empty())
        checks.error("alerts/smtp", "user and password_file belong together, and one is missing");
    if (!mail.user.empty() && mail.tls == SmtpTls::off && !is_of_this_node(mail.server))
        checks.error("alerts/smtp/tls", "the password would cross the network in the clear",
                     "write tls: starttls, or leave out user and password_file");
    check_file(mail.password_file, "alerts/smtp/password_file", checks);
    check_file(mail.ca_file, "alerts/smtp/ca_file", checks);
}

void validate_webhook(const AlertWebhook& hook, const Checks& checks) {
    if (checks.places.broken("alerts/webhook")) return;
    if (hook.url.empty() == hook.url_file.empty())
        checks.error("alerts/webhook", "give one of url and url_file");
    if (!hook.url.empty() && !hook.url.starts_with("https://") && !hook.url.starts_with("http://"))
        checks.error("alerts/webhook/url", "must begin with https:// or http://");
    check_file(hook.url_file, "alerts/webhook/url_file", checks);
    check_file(hook.token_file, "alerts/webhook/token_file", checks);
    check_file(hook.ca_file, "alerts/webhook/ca_file", checks);
}

}  // namespace

void validate_alerts(const Alerts& alerts, const Checks& checks) {
    if (alerts.smtp) validate_mail(*alerts.smtp, checks);
    if (alerts.webhook) validate_webhook(*alerts.webhook, checks);
}

}  // namespace poise::config
