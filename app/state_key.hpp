// The node's secret, from which cookies and persistence keys are made.
#pragma once

#include "persistence/cookie.hpp"

#include <string>

namespace poise::app {

struct StateKey {
    persistence::CookieKey key;
    std::string problem;  // why the key ends with this process; empty: it is kept in a file
};

/// Where the node keeps what must outlive it: $STATE_DIRECTORY (its first word, as systemd sets
/// it), else /var/lib/poise.
std::string state_folder();

/// Reads or makes `folder`/cookie.key. When that cannot be, the key is random and `problem` says
/// why. May wait for the disk.
StateKey load_state_key(const std::string& folder);

/// Puts `key` in the place of `folder`/cookie.key; `problem` says why it could not be kept.
StateKey save_state_key(const std::string& folder, const persistence::CookieKey& key);

}  // namespace poise::app
