// The part of beat.hpp that tells settings apart.
#include "ha/beat.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace poise::ha {

ConfigMark config_mark(std::string_view text, std::uint64_t version) {
    ConfigMark mark{.version = version};
    if (EVP_Digest(text.data(), text.size(), mark.hash.data(), nullptr, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("OpenSSL has no SHA-256");
    return mark;
}

}  // namespace poise::ha
