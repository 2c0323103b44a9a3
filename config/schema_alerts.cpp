// The tables of node.yaml's alerts.
#include "config/bind.hpp"
#include "config/schema_parts.hpp"
#include "config/text_form.hpp"

#include <algorithm>

namespace poise::config {

using namespace std::chrono_literals;
using bind::text;

namespace {

std::optional<Problem> check_mail_server(std::string_view text) {
    const auto endpoint = parse_endpoint(text);
    if (!endpoint) return endpoint.error();
    if (endpoint->port != 0) return std::nullopt;
    return Problem{fmt::format("must be a host and a port, found {}", quote(text)),
                   "write for example mail.example.com:587"};
}

// Enough to keep a line of the protocol whole; whether it exists is for the server to say.
std::optional<Problem> check_mailbox(std::string_view text) {
    const std::size_t at = text.find('@');
    const bool plain = std::ranges::all_of(
        text, [](char c) { return c > ' ' && c < 0x7f && c != '<' && c != '>' && c != ','; });
    const bool whole = at != std::string_view::npos && at > 0 && at + 1 < text.size();
    if (plain && whole && text.size() <= 254) return std::nullopt;
    return Problem{fmt::format("must be an e-mail address, found {}", quote(text)),
                   "write for example ops@example.com, without a name and without brackets"};
}

Mapping smtp_mapping() {
    using T = AlertMail;
    return {"smtp",
            "A mail server that takes the messages.",
            {text("server", &T::server, check_mail_server, "Host and port."),
             bind::word("tls", &T::tls, smtp_tls_words,
                        "`starttls` is required then and not only tried; `always` speaks TLS from "
                        "the first byte (port 465); `off` is for a mail server of this network."),
             text("from", &T::from, check_mailbox, "Whom the messages are from."),
             bind::text_list("to", &T::to, check_mailbox, "Whom they go to."),
             text("user", &T::user, check_line, "Empty: the server wants no name."),
             text("password_file", &T::password_file, check_line,
                  "A file whose first line is the password."),
             text("ca_file", &T::ca_file, check_line,
                  "Authorities that the server's certificate may be of. Empty: the system's.")},
            ""};
}

Mapping webhook_mapping() {
    using T = AlertWebhook;
    return {"webhook",
            "A place that takes the messages as JSON, by POST: a chat, a pager, a program.",
            {text("url", &T::url, check_line, "`https://` or `http://`."),
             text("url_file", &T::url_file, check_line,
                  "A file whose first line is the URL, for a URL that is a secret."),
             text("token_file", &T::token_file, check_line,
                  "A file whose first line is sent as a bearer token. Empty: none."),
             text("ca_file", &T::ca_file, check_line,
                  "Authorities that the server's certificate may be of. Empty: the system's.")},
            ""};
}

}  // namespace

Mapping alerts_mapping() {
    using T = Alerts;
    return {"alerts",
            "Messages to people when something goes wrong, and when it is well again. `poise alert "
            "test` sends one. Changes need a restart.",
            {bind::word_list("events", &T::events, alert_kind_words,
                             "What is told: a server that is down, a service without a server, "
                             "what happens to the pair, a certificate that ends, a configuration "
                             "that was refused."),
             bind::duration("group", &T::group, {1s, 1h},
                            "What happens within this time makes one message."),
             bind::integer("messages_per_hour", &T::messages_per_hour, {1, 1'000},
                           "At most; what comes meanwhile waits, and is told together."),
             bind::integer("certificate_days", &T::certificate_days, {1, 365},
                           "So long before its end a certificate is told of."),
             bind::optional_part("smtp", &T::smtp, smtp_mapping(), "By e-mail."),
             bind::optional_part("webhook", &T::webhook, webhook_mapping(), "By POST to a URL.")},
            ""};
}

}  // namespace poise::config
