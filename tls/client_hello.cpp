#include "tls/client_hello.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace poise::tls {

namespace {

using State = ClientHello::State;

// Of the record layer (RFC 8446 section 5.1) and the handshake messages (section 4).
constexpr std::size_t record_head_bytes = 5;
constexpr std::size_t fragment_bytes_max = 16'384;
constexpr std::size_t message_head_bytes = 4;
constexpr std::uint8_t type_handshake = 22;
constexpr std::uint8_t type_client_hello = 1;
constexpr std::size_t random_bytes = 32;
constexpr std::size_t session_id_bytes_max = 32;
constexpr std::uint16_t extension_server_name = 0;  // RFC 6066 section 3
constexpr std::uint16_t extension_alpn = 16;        // RFC 7301 section 3.1
constexpr std::uint8_t name_type_host = 0;
constexpr std::size_t host_bytes_max = 255;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t word_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

// Takes fields off the front of `rest`. Once a field does not fit, everything is empty and `ok`
// stays false.
struct Fields {
    std::string_view rest;
    bool ok = true;

    std::string_view take(std::size_t n) {
        if (n > rest.size()) ok = false;
        if (!ok) return {};
        const std::string_view taken = rest.substr(0, n);
        rest.remove_prefix(n);
        return taken;
    }
    std::uint8_t byte() {
        const auto taken = take(1);
        return ok ? byte_at(taken, 0) : std::uint8_t{0};
    }
    std::uint16_t word() {
        const auto taken = take(2);
        return ok ? word_at(taken, 0) : std::uint16_t{0};
    }
    // A vector behind its length of one or two bytes.
    std::string_view vector8() { return take(byte()); }
    std::string_view vector16() { return take(word()); }
    bool at_end() const { return ok && rest.empty(); }
};

// The handshake message out of its records: whole, or why not. In `copy` only when it lies in
// more than one.
struct Message {
    State state = State::needs_more;
    std::string_view body;  // behind the message's head
};

// What the first bytes can be wrong in, before there is a whole record head.
bool begins_as_handshake(std::string_view bytes) {
    constexpr std::uint8_t version_major = 3;
    if (byte_at(bytes, 0) != type_handshake) return false;
    return bytes.size() < 2 || byte_at(bytes, 1) == version_major;
}

// The message once its head is there; `message` is what has come of it so far.
Message whole_message(std::string_view message) {
    if (message.empty()) return {};
    if (byte_at(message, 0) != type_client_hello) return {State::malformed, {}};
    if (message.size() < message_head_bytes) return {};
    const std::size_t length =
        std::size_t{byte_at(message, 1)} << 16 | std::size_t{word_at(message, 2)};
    if (length > client_hello_bytes_max) return {State::too_long, {}};
    if (message.size() < message_head_bytes + length) return {};
    return {State::found, message.substr(message_head_bytes, length)};
}

Message find_message(std::string_view bytes, std::string& copy) {
    std::string_view first;
    for (std::size_t at = 0; at < bytes.size();) {
        if (!begins_as_handshake(bytes.substr(at)))
            return {at == 0 ? State::not_tls : State::malformed, {}};
        if (bytes.size() - at < record_head_bytes) return {};
        const std::size_t length = word_at(bytes, at + 3);
        if (length == 0 || length > fragment_bytes_max) return {State::malformed, {}};
        const std::string_view fragment = bytes.substr(at + record_head_bytes, length);
        if (at == 0) {
            first = fragment;
        } else {
            if (copy.empty()) copy = first;
            copy += fragment;
        }
        const Message message = whole_message(copy.empty() ? first : copy);
        if (message.state != State::needs_more) return message;
        if (fragment.size() < length) return {};
        at += record_head_bytes + length;
    }
    return {};
}

std::string normal_name(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    std::string normal{name};
    for (char& c : normal)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return normal;
}

// One name of each type at most, and "host_name" is the only type there is. A name is kept as it
// comes but for its case: what no rule names matches none.
bool read_server_name(std::string_view extension, std::string& name) {
    Fields fields{extension};
    Fields list{fields.vector16()};
    if (!fields.at_end() || list.byte() != name_type_host) return false;
    const std::string_view host = list.vector16();
    if (!list.at_end() || host.empty() || host.size() > host_bytes_max || host.contains('\0'))
        return false;
    name = normal_name(host);
    return true;
}

bool read_alpn(std::string_view extension, std::vector<std::string>& protocols) {
    Fields fields{extension};
    Fields list{fields.vector16()};
    if (!fields.at_end() || list.rest.empty()) return false;
    while (list.ok && !list.rest.empty()) {
        const std::string_view protocol = list.vector8();
        if (protocol.empty()) return false;
        protocols.emplace_back(protocol);
    }
    return list.ok;
}

bool read_extensions(std::string_view extensions, ClientHello& hello) {
    Fields fields{extensions};
    bool has_name = false;
    bool has_alpn = false;
    while (fields.ok && !fields.rest.empty()) {
        const std::uint16_t type = fields.word();
        const std::string_view extension = fields.vector16();
        if (!fields.ok) return false;
        // Two of a kind: a server might go by the other one (RFC 8446 section 4.2).
        if (type == extension_server_name) {
            if (std::exchange(has_name, true)) return false;
            if (!read_server_name(extension, hello.server_name)) return false;
        } else if (type == extension_alpn) {
            if (std::exchange(has_alpn, true)) return false;
            if (!read_alpn(extension, hello.alpn)) return false;
        }
    }
    return fields.ok;
}

bool read_body(std::string_view body, ClientHello& hello) {
    Fields fields{body};
    fields.take(2);  // legacy_version
    fields.take(random_bytes);
    const auto session_id = fields.vector8();
    const auto cipher_suites = fields.vector16();
    const auto compressions = fields.vector8();
    if (!fields.ok || session_id.size() > session_id_bytes_max) return false;
    if (cipher_suites.empty() || cipher_suites.size() % 2 != 0 || compressions.empty())
        return false;
    if (fields.rest.empty()) return true;  // before TLS 1.3 there may be no extensions at all
    const auto extensions = fields.vector16();
    return fields.at_end() && read_extensions(extensions, hello);
}

}  // namespace

ClientHello read_client_hello(std::string_view bytes) {
    const std::string_view window = bytes.substr(0, client_hello_bytes_max);
    std::string copy;
    const Message message = find_message(window, copy);
    ClientHello hello;
    hello.state = message.state;
    if (message.state == State::needs_more && window.size() == client_hello_bytes_max)
        hello.state = State::too_long;
    if (message.state != State::found || read_body(message.body, hello)) return hello;
    return {State::malformed, {}, {}};
}

}  // namespace poise::tls
