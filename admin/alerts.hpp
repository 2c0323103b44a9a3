// Tells people what is wrong: finds it, groups it, and hands it to those who carry it.
#pragma once

#include "admin/alert_group.hpp"
#include "admin/alert_sender.hpp"
#include "admin/alert_watch.hpp"
#include "admin/program.hpp"
#include "base/log.hpp"
#include "config/model.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace poise::admin {

/// Belongs to the administration's thread. Without settings that name somebody it still knows
/// what is wrong, for the page, and tells nobody.
class Alerts {
public:
    /// `log` outlives it.
    Alerts(config::Alerts settings, std::string node, Log& log);

    /// Once a second. A document that is no object: nothing is known now.
    void take_status(const StatusDocument& status, std::int64_t now_s);
    void take_certificates(std::span<const CertificateFacts> certificates, std::int64_t now_s);
    void take_reload(const std::string& error, std::int64_t now_s);

    /// Sends a message that says that it is a test, past group and rate. False: there is nobody
    /// to send it to.
    bool test(const std::string& who, std::int64_t now_s);

    /// What is wrong now, and how the messages fare: a JSON object.
    std::string to_json() const;

private:
    void add(std::vector<Alert> alerts);
    void send(AlertMessage message);
    AlertMessage message_of(std::vector<Alert> alerts, std::size_t left_out,
                            std::int64_t now_s) const;

    const config::Alerts settings_;
    const std::string node_;
    Log& log_;
    AlertWatch watch_;
    AlertGroup group_;
    std::vector<std::unique_ptr<AlertSender>> senders_;
};

/// What `poise alert test` and the page send.
AlertMessage test_message(const std::string& node, const std::string& who, std::int64_t now_s);

/// "mail to ops@example.com by mail.example.com:587".
std::string name_of(const config::AlertMail& mail);
/// "webhook https://chat.example.com", never with more of the URL, which may hold a secret.
std::string name_of(const config::AlertWebhook& hook);

}  // namespace poise::admin
