// Random texts, hashes of secrets, and passwords kept by scrypt.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace poise::admin {

constexpr std::size_t password_bytes_min = 10;
constexpr std::size_t password_bytes_max = 256;

/// base64url without padding of so many random bytes. Throws when the system gives none.
std::string random_text(std::size_t bytes);

/// 64 hex digits.
std::string sha256_hex(std::string_view text);

/// In a time that does not tell where they differ.
bool equal_secrets(std::string_view one, std::string_view other);

/// "$scrypt$ln=15,r=8,p=1$SALT$HASH". Takes about 32 MiB and a tenth of a second.
std::string hash_password(std::string_view password);
/// False also for a hash that is none of ours. Takes as long as hash_password().
bool verify_password(std::string_view password, std::string_view hash);

/// Why it cannot be a password; empty: it can.
std::string password_problem(std::string_view password);

}  // namespace poise::admin
