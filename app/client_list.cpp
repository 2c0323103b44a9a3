#include "app/client_list.hpp"

#include "base/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace poise::app {

using nlohmann::json;
using persistence::Key;
using persistence::Table;

namespace {

constexpr std::size_t key_digits = 32;

std::string name_of(const ClientTable& clients, std::uint64_t server) {
    const auto found =
        std::ranges::find(clients.servers, server, &std::pair<std::uint64_t, std::string>::first);
    return found == clients.servers.end() ? "" : found->second;
}

// nullopt: nobody can be known by this.
std::optional<Key> wanted_key(const ClientTable& clients, const std::string& client) {
    if (!clients.keys) return std::nullopt;
    if (!clients.by_address) return clients.keys->from_text(client);
    const auto address = parse_ip(client);
    if (!address) return std::nullopt;
    return clients.keys->from_address(*address);
}

json to_object(const ClientTable& clients, const Table::Entry& entry, Table::TimePoint now) {
    using std::chrono::seconds;
    const auto idle = std::max(std::chrono::floor<seconds>(now - entry.last_used), seconds{0});
    const auto left = std::chrono::ceil<seconds>(entry.last_used + clients.table->timeout() - now);
    const std::string server = name_of(clients, entry.server);
    return {{"key", fmt::format("{:016x}{:016x}", entry.key.high, entry.key.low)},
            {"server", server.empty() ? json() : json(server)},
            {"idle_s", idle.count()},
            {"expires_in_s", std::max(left, seconds{0}).count()}};
}

}  // namespace

std::string clients_to_json(const ClientTable& clients, const admin::ListFilter& filter,
                            Table::TimePoint now) {
    std::vector<Table::Entry> entries = clients.table->snapshot();
    const std::size_t total = entries.size();
    const auto key = wanted_key(clients, filter.client);
    std::erase_if(entries, [&](const Table::Entry& entry) {
        const bool other_client = !filter.client.empty() && (!key || !(entry.key == *key));
        const bool other_server =
            !filter.server.empty() && name_of(clients, entry.server) != filter.server;
        return other_client || other_server || entry.last_used + clients.table->timeout() < now;
    });
    const std::size_t matched = entries.size();
    const std::size_t shown = std::min(filter.count_max, matched);
    const auto end = entries.begin() + static_cast<std::ptrdiff_t>(shown);
    std::ranges::partial_sort(entries, end, std::greater{}, &Table::Entry::last_used);
    entries.erase(end, entries.end());
    json list = json::array();
    for (const Table::Entry& entry : entries)
        list.push_back(to_object(clients, entry, now));
    return json{{"total", total}, {"matched", matched}, {"clients", std::move(list)}}.dump(
        -1, ' ', false, json::error_handler_t::replace);
}

std::optional<Key> key_of(const std::string& hex) {
    if (hex.size() != key_digits) return std::nullopt;
    Key key;
    for (auto* const half : {&key.high, &key.low}) {
        const char* const from = hex.data() + (half == &key.high ? 0 : key_digits / 2);
        const auto [at, error] = std::from_chars(from, from + key_digits / 2, *half, 16);
        if (error != std::errc{} || at != from + key_digits / 2) return std::nullopt;
    }
    return key;
}

}  // namespace poise::app
