// Clients of a service as persistence remembers them, for the API: listed, and forgotten.
#pragma once

#include "admin/program.hpp"
#include "persistence/key.hpp"
#include "persistence/table.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace poise::app {

/// What a list needs of a service; lives on when the service goes.
struct ClientTable {
    std::shared_ptr<persistence::Table> table;
    std::optional<persistence::KeyMaker> keys;
    bool by_address = false;                                     // else by a text
    std::vector<std::pair<std::uint64_t, std::string>> servers;  // by persistence::server_id
};

/// JSON: `total` entries, how many `matched`, and the last seen ones of those. Copies the table:
/// 32 bytes an entry. Any thread.
std::string clients_to_json(const ClientTable& clients, const admin::ListFilter& filter,
                            persistence::Table::TimePoint now);

/// Of 32 hex digits, as the list shows it.
std::optional<persistence::Key> key_of(const std::string& hex);

}  // namespace poise::app
