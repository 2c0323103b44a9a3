#include "proxy/router.hpp"

#include "proxy/normal_path.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <iterator>

namespace poise::proxy {

namespace {

// The longest DNS name has 253 characters; longer hosts match no rule that names one.
constexpr std::size_t host_bytes_max = 255;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string lowered(std::string_view text) {
    std::string result{text};
    for (char& c : result)
        c = lower(c);
    return result;
}

// "*.Example.com." becomes "*.example.com", "::1" and "[::1]" become "[::1]".
std::string normal_host(std::string_view host) {
    const bool bare_ipv6 = host.find(':') != host.rfind(':') && !host.starts_with('[');
    if (bare_ipv6) return '[' + lowered(host) + ']';
    return lowered(host_of(host));
}

std::string normal_path(std::string_view path) {
    std::string result;
    append_normal_path(result, path);
    return result;
}

// Whether a segment of `path` ends where `prefix`, which it begins with, does.
bool ends_segment(std::string_view path, std::string_view prefix) {
    return path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/';
}

bool path_matches(const config::Match& match, std::string_view path) {
    if (match.path.empty() && match.path_prefix.empty()) return true;
    const auto is_same = [&](std::string_view a, std::string_view b) {
        return match.ignore_case ? same_word(a, b) : a == b;
    };
    const auto is_path = [&](std::string_view asked) { return is_same(path, asked); };
    const auto starts = [&](std::string_view prefix) {
        return is_same(path.substr(0, prefix.size()), prefix) && ends_segment(path, prefix);
    };
    return std::ranges::any_of(match.path, is_path) ||
           std::ranges::any_of(match.path_prefix, starts);
}

bool has_field(const RequestHead& head, std::string_view name, std::string_view value) {
    return std::ranges::any_of(head.fields, [&](const Field& field) {
        return same_word(field.name, name) && (value.empty() || field.value == value);
    });
}

bool source_matches(const config::Match& match, const Address& client) {
    const auto within = [&](const Prefix& prefix) { return prefix.contains(client); };
    return match.source.empty() || std::ranges::any_of(match.source, within);
}

// Everything but the host.
bool rest_matches(const config::Match& match, const RequestHead& head, std::string_view path,
                  const Address& client) {
    if (!match.method.empty() && std::ranges::find(match.method, head.method) == match.method.end())
        return false;
    if (!path_matches(match, path)) return false;
    const auto holds = [&](const auto& asked) {
        return has_field(head, asked.first, asked.second);
    };
    if (!std::ranges::all_of(match.header, holds)) return false;
    return source_matches(match, client);
}

CompiledRule compile(config::Rule rule, std::size_t index) {
    CompiledRule compiled{index, std::move(rule.use), rule.timeouts, std::move(rule.match)};
    auto& names = compiled.match.sni;
    std::ranges::move(names, std::back_inserter(compiled.match.host));
    names.clear();
    for (std::string& host : compiled.match.host)
        host = normal_host(host);
    for (std::string& path : compiled.match.path)
        path = normal_path(path);
    for (std::string& prefix : compiled.match.path_prefix)
        prefix = normal_path(prefix);
    return compiled;
}

}  // namespace

// The rules whose host fits, in their order: a merge of the lists of the host itself, of each
// domain above it, and of the rules without a host.
class Router::Candidates {
public:
    Candidates(const Router& router, std::string_view host) {
        add(&router.any_host_);
        if (host.empty()) return;
        add(&router.some_host_);
        if (router.exact_hosts_.empty() && router.wildcard_hosts_.empty()) return;
        if (host.size() > host_bytes_max) return;
        std::array<char, host_bytes_max> bytes;
        std::ranges::transform(host, bytes.begin(), lower);
        const std::string_view name{bytes.data(), host.size()};
        add(find(router.exact_hosts_, name));
        if (router.wildcard_hosts_.empty()) return;
        for (auto dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1))
            add(find(router.wildcard_hosts_, name.substr(dot + 1)));
    }

    // The lowest index that is left, or nullopt.
    std::optional<std::uint32_t> next() {
        std::optional<std::uint32_t> lowest;
        for (std::size_t i = 0; i < count_; ++i) {
            if (!lists_[i].empty() && (!lowest || *lists_[i].at < *lowest)) lowest = *lists_[i].at;
        }
        if (!lowest) return std::nullopt;
        // A rule that names both "www.example.com" and "*.example.com" stands in two lists.
        for (std::size_t i = 0; i < count_; ++i) {
            if (!lists_[i].empty() && *lists_[i].at == *lowest) ++lists_[i].at;
        }
        return lowest;
    }

private:
    // The host itself, "*", no host, and one for each dot of the longest name.
    static constexpr std::size_t lists_max = 3 + host_bytes_max;

    struct Rest {  // of a list; has no initialisers, so that the array costs nothing
        const std::uint32_t* at;
        const std::uint32_t* end;
        bool empty() const { return at == end; }
    };

    static const Indices* find(const HostIndex& index, std::string_view name) {
        const auto found = index.find(name);
        return found == index.end() ? nullptr : &found->second;
    }

    void add(const Indices* indices) {
        if (indices == nullptr || indices->empty()) return;
        assert(count_ < lists_max);
        lists_[count_++] = {indices->data(), indices->data() + indices->size()};
    }

    std::array<Rest, lists_max> lists_;  // only the first count_ are ever written and read
    std::size_t count_ = 0;
};

Router::Router(std::vector<config::Rule> rules) {
    rules_.reserve(rules.size());
    for (std::size_t i = 0; i < rules.size(); ++i) {
        rules_.push_back(compile(std::move(rules[i]), i));
        const auto index = static_cast<std::uint32_t>(i);
        const auto add = [&](Indices& indices) {
            if (indices.empty() || indices.back() != index) indices.push_back(index);
        };
        if (rules_.back().match.host.empty()) add(any_host_);
        for (const std::string& host : rules_.back().match.host) {
            if (host == "*") {
                add(some_host_);
            } else if (host.starts_with("*.")) {
                add(wildcard_hosts_[host.substr(2)]);
            } else {
                add(exact_hosts_[host]);
            }
        }
    }
}

const CompiledRule* Router::match(const RequestHead& head, const Address& client) const {
    if (rules_.empty()) return nullptr;
    const NormalPath path{head.path};
    Candidates candidates{*this, host_of(head.authority)};
    while (const auto index = candidates.next()) {
        const CompiledRule& rule = rules_[*index];
        if (rest_matches(rule.match, head, path.view(), client)) return &rule;
    }
    return nullptr;
}

const CompiledRule* Router::match(std::string_view server_name, const Address& client) const {
    Candidates candidates{*this, server_name};
    while (const auto index = candidates.next())
        if (source_matches(rules_[*index].match, client)) return &rules_[*index];
    return nullptr;
}

bool Router::needs_server_name(const Address& client) const {
    const auto possible = std::ranges::find_if(
        rules_, [&](const CompiledRule& rule) { return source_matches(rule.match, client); });
    return possible != rules_.end() && !possible->match.host.empty();
}

std::string_view host_of(std::string_view authority) {
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        return end == authority.npos ? authority : authority.substr(0, end + 1);
    }
    authority = authority.substr(0, authority.rfind(':'));
    if (authority.ends_with('.')) authority.remove_suffix(1);
    return authority;
}

}  // namespace poise::proxy
