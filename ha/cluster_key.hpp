// The secret that both nodes of a pair share, and its file.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace poise::ha {

using ClusterKey = std::array<std::uint8_t, 32>;

/// The first seals; all of them open, so that a key can be changed on one node after the other:
/// put the new one second on both, then first on both, then take the old one out.
using ClusterKeys = std::vector<ClusterKey>;
constexpr std::size_t cluster_keys_max = 2;

/// Tells keys apart without giving them away: four bytes of a hash.
std::uint32_t key_id(const ClusterKey& key);

/// A key for the one use that `label` names (HKDF of RFC 5869 with SHA-256). Throws
/// std::runtime_error when OpenSSL cannot.
std::array<std::uint8_t, 32> derive_key(const ClusterKey& key, std::span<const std::uint8_t> salt,
                                        std::string_view label);

/// Random. Throws std::runtime_error when the system has no randomness.
ClusterKey make_cluster_key();

/// One key a line, 64 hexadecimal digits; empty lines and those that start with # are skipped.
/// The error is a sentence that names the line and the cure, and holds nothing of the key.
std::expected<ClusterKeys, std::string> parse_cluster_keys(std::string_view text);
std::string to_text(const ClusterKeys& keys);

/// Refuses a file that others than its owner can read.
std::expected<ClusterKeys, std::string> load_cluster_keys(const std::string& path);
/// Makes the file, readable by its owner alone, or replaces it in one step.
std::expected<void, std::string> save_cluster_keys(const std::string& path,
                                                   const ClusterKeys& keys);

}  // namespace poise::ha
