#include "ha/pairing_secret.hpp"

#include "ha/cluster_key.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace poise::ha {

namespace {

constexpr std::uint64_t codes = 1'000'000;
constexpr std::string_view commitment_label = "poise pairing commitment 1";
constexpr std::string_view transcript_label = "poise pairing transcript 1";

void check(bool good) {
    if (!good) throw std::runtime_error("OpenSSL cannot exchange keys");
}

void append(std::vector<std::uint8_t>& to, std::span<const std::uint8_t> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

std::vector<std::uint8_t> bytes_of(std::string_view label) {
    return {label.begin(), label.end()};
}

PairingBytes sha256(std::span<const std::uint8_t> bytes) {
    PairingBytes hash;
    check(EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, EVP_sha256(), nullptr) == 1);
    return hash;
}

// 2^64 is no multiple of a million; the difference is one in 18 million million.
std::string code_of(const PairingBytes& bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i)
        number = number << 8 | bytes[i];
    return fmt::format("{:06}", number % codes);
}

std::array<std::uint8_t, 12> iv_of(std::uint64_t counter) {
    std::array<std::uint8_t, 12> iv{};
    for (std::size_t i = 0; i < 8; ++i)
        iv[4 + i] = static_cast<std::uint8_t>(counter >> (56 - 8 * i));
    return iv;
}

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Context begun(const PairingBytes& key, std::uint64_t counter, std::uint8_t kind, bool seals) {
    Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    int n = 0;
    check(context != nullptr &&
          EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(),
                            iv_of(counter).data(), seals ? 1 : 0) == 1 &&
          EVP_CipherUpdate(context.get(), nullptr, &n, &kind, 1) == 1);
    return context;
}

}  // namespace

struct PairingSecret::Key {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> value{nullptr, EVP_PKEY_free};
};

PairingBytes commitment_of(const PairingHello& hello) {
    std::vector<std::uint8_t> text = bytes_of(commitment_label);
    append(text, hello.public_key);
    append(text, hello.nonce);
    return sha256(text);
}

PairingSecret::PairingSecret() : key_(std::make_unique<Key>()) {
    key_->value.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
    std::size_t size = hello_.public_key.size();
    check(key_->value != nullptr &&
          EVP_PKEY_get_raw_public_key(key_->value.get(), hello_.public_key.data(), &size) == 1 &&
          RAND_bytes(hello_.nonce.data(), static_cast<int>(hello_.nonce.size())) == 1);
}

PairingSecret::~PairingSecret() = default;

std::optional<PairingBytes> PairingSecret::shared_with(const PairingBytes& public_key) const {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> theirs(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, public_key.data(), public_key.size()),
        EVP_PKEY_free);
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new(key_->value.get(), nullptr), EVP_PKEY_CTX_free);
    PairingBytes shared{};
    std::size_t size = shared.size();
    // OpenSSL refuses a result of zeros, which keys of small order give (RFC 7748 section 6.1).
    if (!theirs || !context || EVP_PKEY_derive_init(context.get()) != 1 ||
        EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1 ||
        EVP_PKEY_derive(context.get(), shared.data(), &size) != 1 || size != shared.size())
        return std::nullopt;
    return shared;
}

PairingKeys pairing_keys(const PairingBytes& shared, const PairingHello& offer,
                         const PairingHello& join) {
    std::vector<std::uint8_t> said = bytes_of(transcript_label);
    for (const PairingHello* hello : {&offer, &join}) {
        append(said, hello->public_key);
        append(said, hello->nonce);
    }
    const PairingBytes salt = sha256(said);
    return {.offer_seals = derive_key(shared, salt, "poise pairing offer seals 1"),
            .join_seals = derive_key(shared, salt, "poise pairing join seals 1"),
            .offer_code = code_of(derive_key(shared, salt, "poise pairing offer code 1")),
            .join_code = code_of(derive_key(shared, salt, "poise pairing join code 1"))};
}

std::vector<std::uint8_t> PairingCipher::seal(std::uint8_t kind,
                                              std::span<const std::uint8_t> content) {
    const Context context = begun(key_, ++counter_, kind, true);
    std::vector<std::uint8_t> out(content.size() + pairing_tag_bytes);
    int n = 0;
    check(EVP_EncryptUpdate(context.get(), out.data(), &n, content.data(),
                            static_cast<int>(content.size())) == 1 &&
          EVP_EncryptFinal_ex(context.get(), out.data() + n, &n) == 1 &&
          EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, pairing_tag_bytes,
                              out.data() + content.size()) == 1);
    return out;
}

std::optional<std::vector<std::uint8_t>> PairingCipher::open(std::uint8_t kind,
                                                             std::span<const std::uint8_t> sealed) {
    if (sealed.size() < pairing_tag_bytes) return std::nullopt;
    const std::size_t size = sealed.size() - pairing_tag_bytes;
    std::array<std::uint8_t, pairing_tag_bytes> tag;
    std::ranges::copy(sealed.subspan(size), tag.begin());
    const Context context = begun(key_, counter_ + 1, kind, false);
    std::vector<std::uint8_t> out(size);
    int n = 0;
    check(EVP_DecryptUpdate(context.get(), out.data(), &n, sealed.data(), static_cast<int>(size)) ==
              1 &&
          EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, pairing_tag_bytes, tag.data()) ==
              1);
    if (EVP_DecryptFinal_ex(context.get(), out.data() + n, &n) != 1) return std::nullopt;
    ++counter_;
    return out;
}

}  // namespace poise::ha
