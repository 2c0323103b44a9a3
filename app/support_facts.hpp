// What `poise support` puts into its bundle, and what it takes out of it.
#pragma once

#include "config/model.hpp"

#include <cstddef>
#include <string>

namespace poise::app {

constexpr std::size_t support_log_bytes = std::size_t{1} << 20;  // the end of each log

/// The settings with every default written out; what may be a secret reads "(removed)": a
/// webhook's URL, the query of a health check's path, values that rules compare headers with.
/// Comments of the file are not in it. A file with errors gives those instead.
std::string config_without_secrets(const std::string& path);
std::string node_without_secrets(const std::string& path);

/// `text` with whatever looks like a private key in PEM taken out: logs may hold anything.
std::string without_private_keys(std::string text);

/// Of Poise and of the libraries that it runs with.
std::string versions_text();
/// The machine: kernel, memory, processors, limits, settings of the network.
std::string kernel_text();

/// The end of a file; a sentence in its place when it cannot be read.
std::string end_of(const std::string& path, std::size_t bytes_max);

}  // namespace poise::app
