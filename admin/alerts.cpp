#include "admin/alerts.hpp"

#include "admin/journal.hpp"
#include "admin/json_text.hpp"
#include "admin/secrets.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace poise::admin {

using nlohmann::json;

namespace {

constexpr std::size_t id_bytes = 12;

json to_object(const Alert& alert) {
    return {{"kind", config::word(alert.kind)},
            {"subject", alert.subject},
            {"text", alert.text},
            {"cure", alert.cure},
            {"since", time_text(alert.at)}};
}

json to_object(const AlertSender& sender) {
    const AlertSender::Counts counts = sender.counts();
    return {{"name", sender.name()},     {"sent", counts.sent},
            {"waiting", counts.waiting}, {"failed_tries", counts.failed_tries},
            {"dropped", counts.dropped}, {"error", counts.error}};
}

}  // namespace

std::string name_of(const config::AlertMail& mail) {
    const std::size_t others = mail.to.size() - 1;
    return fmt::format("mail to {}{} by {}", mail.to.front(),
                       others == 0 ? "" : fmt::format(" and {} more", others), mail.server);
}

std::string name_of(const config::AlertWebhook& hook) {
    if (hook.url.empty()) return fmt::format("webhook of {}", hook.url_file);
    const std::size_t host = hook.url.find("://") + 3;
    const std::size_t end = std::min(hook.url.find_first_of("/?#", host), hook.url.size());
    const std::string authority = hook.url.substr(host, end - host);
    const std::size_t at = authority.rfind('@');  // a name and a password may stand before it
    return fmt::format("webhook {}{}", hook.url.substr(0, host),
                       at == std::string::npos ? authority : authority.substr(at + 1));
}

AlertMessage test_message(const std::string& node, const std::string& who, std::int64_t now_s) {
    return {.node = node,
            .id = random_text(id_bytes),
            .at = now_s,
            .alerts = {{.kind = config::AlertKind::config,
                        .level = Alert::Level::notice,
                        .subject = "test",
                        .text = "of the alerts, ordered by " + who,
                        .cure = "nothing is wrong; whoever reads this will be told when it is",
                        .at = now_s}}};
}

Alerts::Alerts(config::Alerts settings, std::string node, Log& log)
    : settings_(std::move(settings)),
      node_(std::move(node)),
      log_(log),
      watch_(settings_),
      group_(settings_.group, settings_.messages_per_hour) {
    if (settings_.smtp) {
        senders_.push_back(std::make_unique<AlertSender>(
            name_of(*settings_.smtp),
            [mail = *settings_.smtp](const AlertMessage& message, const std::atomic<bool>& stop) {
                return admin::send_mail(mail, message, stop);
            },
            log_));
    }
    if (settings_.webhook) {
        senders_.push_back(std::make_unique<AlertSender>(
            name_of(*settings_.webhook),
            [hook = *settings_.webhook](const AlertMessage& message,
                                        const std::atomic<bool>& stop) {
                return admin::post(hook, message, stop);
            },
            log_));
    }
}

void Alerts::take_status(const StatusDocument& status, std::int64_t now_s) {
    add(watch_.take_status(status, now_s));
    if (senders_.empty()) return;
    if (auto due = group_.take_due(std::chrono::steady_clock::now()); !due.empty())
        send(message_of(std::move(due), group_.left_out(), now_s));
}

void Alerts::take_certificates(std::span<const CertificateFacts> certificates, std::int64_t now_s) {
    add(watch_.take_certificates(certificates, now_s));
}

void Alerts::take_reload(const std::string& error, std::int64_t now_s) {
    add(watch_.take_reload(error, now_s));
}

void Alerts::add(std::vector<Alert> alerts) {
    if (senders_.empty()) return;
    for (Alert& alert : alerts)
        group_.add(std::move(alert), std::chrono::steady_clock::now());
}

AlertMessage Alerts::message_of(std::vector<Alert> alerts, std::size_t left_out,
                                std::int64_t now_s) const {
    return {.node = node_,
            .id = random_text(id_bytes),
            .at = now_s,
            .alerts = std::move(alerts),
            .left_out = left_out};
}

void Alerts::send(AlertMessage message) {
    log_.info(fmt::format("alerts: {}", title_of(message)));
    for (const auto& sender : senders_)
        sender->push(message);
}

bool Alerts::test(const std::string& who, std::int64_t now_s) {
    if (senders_.empty()) return false;
    send(test_message(node_, who, now_s));
    return true;
}

std::string Alerts::to_json() const {
    json open = json::array(), places = json::array();
    for (const Alert& alert : watch_.open())
        open.push_back(to_object(alert));
    for (const auto& sender : senders_)
        places.push_back(to_object(*sender));
    return json_text(json{
        {"open", std::move(open)}, {"waiting", group_.waiting()}, {"places", std::move(places)}});
}

}  // namespace poise::admin
