// Carries one message to a mail server or a webhook, by libcurl.
#pragma once

#include "admin/alert.hpp"
#include "config/model.hpp"

#include <atomic>
#include <string>

namespace poise::admin {

struct SendResult {
    std::string error;       // empty: it was taken; never holds a secret
    bool permanent = false;  // sending the same again would end the same
};

/// Both wait for the other side, for half a minute at most, and end soon once `stop` is true.
/// Files with secrets are read anew each time. Any thread; SIGPIPE must be blocked there.
SendResult send_mail(const config::AlertMail& mail, const AlertMessage& message,
                     const std::atomic<bool>& stop);
SendResult post(const config::AlertWebhook& hook, const AlertMessage& message,
                const std::atomic<bool>& stop);

}  // namespace poise::admin
