#include "proxy/websocket_key.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace poise::proxy {

namespace {

constexpr std::size_t nonce_bytes = 16;
constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string base64(const unsigned char* bytes, std::size_t n) {
    std::string text((n + 2) / 3 * 4 + 1, '\0');  // and the zero that EVP_EncodeBlock writes
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(n));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

}  // namespace

std::string websocket_key(std::string_view request_id) {
    std::array<unsigned char, nonce_bytes> nonce{};
    // The end of an id of ours is what differs from the last one.
    const auto tail =
        request_id.substr(request_id.size() - std::min(request_id.size(), nonce_bytes));
    std::ranges::copy(tail, nonce.begin());
    return base64(nonce.data(), nonce.size());
}

std::string websocket_accept(std::string_view key) {
    std::string text(key);
    text += guid;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha1(), nullptr) != 1)
        return {};  // a build of OpenSSL without SHA-1: no key is ever understood
    return base64(digest.data(), length);
}

}  // namespace poise::proxy
