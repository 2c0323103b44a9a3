#include "config/words.hpp"

#include <cassert>

namespace poise::config {

namespace {

template <typename Enum, std::size_t Count>
std::string_view text_of(const std::array<EnumWord<Enum>, Count>& words, Enum value) {
    for (const EnumWord<Enum>& word : words) {
        if (word.value == value) return word.text;
    }
    assert(false);
    return {};
}

}  // namespace

std::string_view word(Mode value) {
    return text_of(mode_words, value);
}

std::string_view word(Protocol value) {
    return text_of(protocol_words, value);
}

std::string_view word(Algorithm value) {
    return text_of(algorithm_words, value);
}

std::string_view word(CheckKind value) {
    return text_of(check_words, value);
}

std::string_view word(PersistenceMethod value) {
    return text_of(persistence_words, value);
}

std::string_view word(Forwarded value) {
    return text_of(forwarded_words, value);
}

std::string_view word(ProxyProtocol value) {
    return text_of(proxy_protocol_words, value);
}

std::string_view word(TlsVersion value) {
    return text_of(tls_version_words, value);
}

std::string_view word(ClientCertificate value) {
    return text_of(client_certificate_words, value);
}

std::string_view word(AlertKind value) {
    return text_of(alert_kind_words, value);
}

}  // namespace poise::config
