// Reading a file that somebody named: bounded in size and time, with a reason when it fails.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace poise::config {

/// The content of `path`, at most `bytes_max`. On failure a sentence for the operator, without
/// the path: "does not exist", "is a directory", "cannot be read: Permission denied". A pipe
/// is read to its end, but no longer than five seconds without a byte.
std::expected<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max);

/// `path` as it is when absolute, else inside `folder`; always absolute.
std::string path_inside(const std::string& folder, const std::string& path);

}  // namespace poise::config
