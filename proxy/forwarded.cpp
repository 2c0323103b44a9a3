#include "proxy/forwarded.hpp"

#include "proxy/head_bytes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <ranges>

namespace poise::proxy {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

void append_token_or_quoted(std::string& out, std::string_view text) {
    if (is_token(text)) {
        out += text;
        return;
    }
    out += '"';
    for (auto special = text.find_first_of("\"\\"); special != text.npos;
         special = text.find_first_of("\"\\", 1)) {
        out += text.substr(0, special);
        out += '\\';
        text.remove_prefix(special);
    }
    out += text;
    out += '"';
}

// RFC 7239 section 6: an IPv6 address stands in brackets and so in quotes.
void append_node(std::string& out, std::string_view ip) {
    const bool v6 = ip.find(':') != ip.npos;
    out += v6 ? "for=\"[" : "for=";
    out += ip;
    if (v6) out += "]\"";
}

// All values of a field that came, joined to one list, and the comma for what follows.
bool append_received(std::string& out, const RequestHead& head, FieldId id) {
    bool any = false;
    for (const Field& field : head.fields) {
        if (field.id != id || field.value.empty()) continue;
        out += field.value;
        out += ", ";
        any = true;
    }
    return any;
}

std::string_view first_value(const RequestHead& head, FieldId id) {
    const Field* field = head.find(id);
    return field == nullptr ? std::string_view{} : field->value;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return port;
}

}  // namespace

bool is_trusted(std::span<const Prefix> trusted, const Address& address) {
    return std::ranges::any_of(trusted, [&](const Prefix& one) { return one.contains(address); });
}

std::optional<Address> parse_forwarded_address(std::string_view text) {
    std::string_view ip = text;
    std::string_view port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == text.npos) return std::nullopt;
        ip = text.substr(1, end - 1);
        if (ip.find(':') == ip.npos) return std::nullopt;
        if (end + 1 < text.size() && text[end + 1] != ':') return std::nullopt;
        has_port = end + 1 < text.size();
        port = has_port ? text.substr(end + 2) : port;
    } else if (const auto colon = text.find(':');
               colon != text.npos && text.find(':', colon + 1) == text.npos) {
        ip = text.substr(0, colon);
        port = text.substr(colon + 1);
        has_port = true;
    }
    auto address = parse_ip(ip);
    if (!address || !has_port) return address;
    const auto number = parse_port(port);
    if (!number) return std::nullopt;
    address->port = *number;
    return address;
}

Forwarder::Forwarder(config::Forwarded mode, std::span<const Prefix> trusted, const Address& peer,
                     bool tls)
    : trusted_(trusted),
      peer_(peer),
      mode_(mode),
      peer_trusted_(is_trusted(trusted, peer)),
      tls_(tls) {}

Address Forwarder::effective_client(const RequestHead& head) const {
    Address client = peer_;
    if (!peer_trusted_) return client;
    for (const Field& field : head.fields | std::views::reverse) {
        if (field.id != FieldId::x_forwarded_for) continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const auto comma = rest.rfind(',');
            const auto element = trimmed(rest.substr(comma == rest.npos ? 0 : comma + 1));
            rest = rest.substr(0, comma == rest.npos ? 0 : comma);
            if (element.empty()) continue;
            const auto address = parse_forwarded_address(element);
            if (!address) return client;
            client = *address;
            if (!is_trusted(trusted_, client)) return client;
        }
    }
    return client;
}

bool Forwarder::writes(FieldId id) const {
    if (mode_ == config::Forwarded::off) return false;
    return id == FieldId::forwarded || id == FieldId::x_forwarded_for ||
           id == FieldId::x_forwarded_proto || id == FieldId::x_forwarded_host;
}

void Forwarder::append(std::string& out, const RequestHead& head,
                       const Address& effective_client) const {
    if (mode_ == config::Forwarded::off) return;
    // Both are of one address nearly always: then its text is at hand.
    const bool is_peer = effective_client.ip == peer_.ip;
    const bool keep = keeps_received();
    const std::string peer = ip_to_string(peer_);
    const std::string other = is_peer || keep ? std::string{} : ip_to_string(effective_client);
    const std::string_view node = is_peer || keep ? peer : other;

    out += "X-Forwarded-For: ";
    if (keep) append_received(out, head, FieldId::x_forwarded_for);
    out += node;
    out += "\r\nX-Forwarded-Proto: ";
    const std::string_view proto = keep ? first_value(head, FieldId::x_forwarded_proto) : "";
    out += proto.empty() ? own_proto() : proto;
    out += "\r\n";

    std::string_view host = keep ? first_value(head, FieldId::x_forwarded_host) : "";
    if (host.empty()) host = head.authority;
    if (!host.empty()) {
        out += "X-Forwarded-Host: ";
        out += host;
        out += "\r\n";
    }

    out += "Forwarded: ";
    if (keep && !append_received(out, head, FieldId::forwarded)) append_converted(out, head);
    append_node(out, node);
    out += ";proto=";
    out += own_proto();
    if (!head.authority.empty()) {
        out += ";host=";
        append_token_or_quoted(out, head.authority);
    }
    out += "\r\n";
}

// RFC 7239 section 7.4: a server that reads Forwarded alone must see the same chain as one that
// reads X-Forwarded-For. Text that is no address becomes "unknown".
void Forwarder::append_converted(std::string& out, const RequestHead& head) const {
    std::string_view proto = first_value(head, FieldId::x_forwarded_proto);
    for (const Field& field : head.fields) {
        if (field.id != FieldId::x_forwarded_for) continue;
        each_element(field.value, [&](std::string_view element) {
            const auto address = parse_forwarded_address(element);
            append_node(out, address ? ip_to_string(*address) : "unknown");
            // What the first proxy saw, as X-Forwarded-Proto tells it.
            if (proto == "http" || proto == "https") {
                out += ";proto=";
                out += proto;
            }
            proto = {};
            out += ", ";
        });
    }
}

}  // namespace poise::proxy
