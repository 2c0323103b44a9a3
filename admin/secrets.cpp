#include "admin/secrets.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <span>
#include <stdexcept>
#include <vector>

namespace poise::admin {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;
// RFC 7914; 2^15 is what fits a login: 32 MiB, about a tenth of a second.
constexpr std::uint64_t cost = 1 << 15;
constexpr std::uint64_t block = 8;
constexpr std::uint64_t memory_max = 64 << 20;
constexpr std::string_view prefix = "$scrypt$ln=15,r=8,p=1$";

std::string base64url(std::span<const unsigned char> bytes) {
    std::string text;
    std::uint32_t bits = 0;
    int held = 0;
    for (const unsigned char byte : bytes) {
        bits = bits << 8 | byte;
        for (held += 8; held >= 6; held -= 6)
            text += alphabet[bits >> (held - 6) & 63];
    }
    if (held > 0) text += alphabet[bits << (6 - held) & 63];
    return text;
}

std::string scrypt(std::string_view password, std::string_view salt) {
    std::array<unsigned char, hash_bytes> hash{};
    const auto* salt_at = reinterpret_cast<const unsigned char*>(salt.data());
    if (EVP_PBE_scrypt(password.data(), password.size(), salt_at, salt.size(), cost, block, 1,
                       memory_max, hash.data(), hash.size()) != 1)
        throw std::runtime_error("OpenSSL cannot compute scrypt");
    return base64url(hash);
}

}  // namespace

std::string random_text(std::size_t bytes) {
    std::vector<unsigned char> random(bytes);
    if (RAND_bytes(random.data(), static_cast<int>(bytes)) != 1)
        throw std::runtime_error("OpenSSL gives no random bytes");
    return base64url(random);
}

std::string sha256_hex(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
    std::string hex;
    for (unsigned i = 0; i < length; ++i)
        fmt::format_to(std::back_inserter(hex), "{:02x}", digest[i]);
    return hex;
}

bool equal_secrets(std::string_view one, std::string_view other) {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::string hash_password(std::string_view password) {
    const std::string salt = random_text(salt_bytes);
    return fmt::format("{}{}${}", prefix, salt, scrypt(password, salt));
}

bool verify_password(std::string_view password, std::string_view hash) {
    const bool known = hash.starts_with(prefix);
    const std::string_view rest = known ? hash.substr(prefix.size()) : std::string_view();
    const std::size_t dollar = std::min(rest.find('$'), rest.size());
    const std::string_view wanted = rest.substr(std::min(dollar + 1, rest.size()));
    // Also for a user that there is not, so that the time does not tell.
    const std::string found =
        scrypt(password.substr(0, password_bytes_max), rest.substr(0, dollar));
    return known && equal_secrets(found, wanted);
}

std::string password_problem(std::string_view password) {
    if (password.size() < password_bytes_min)
        return fmt::format("a password has at least {} characters", password_bytes_min);
    if (password.size() > password_bytes_max)
        return fmt::format("a password has at most {} bytes", password_bytes_max);
    return {};
}

}  // namespace poise::admin
