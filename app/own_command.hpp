// What a user types to call this very program from another shell.
#pragma once

#include <string>
#include <string_view>

namespace poise::app {

/// The file of the running program; empty when the system does not tell.
std::string own_file();

/// "poise" when that name leads to `own` by way of `search`, the value of PATH; else `own`, quoted
/// for a shell where it must be; "poise" also when `own` is empty.
std::string own_command(const std::string& own, std::string_view search);

}  // namespace poise::app
