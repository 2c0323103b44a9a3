#include "proxy/request_id.hpp"

#include "base/hash.hpp"

#include <random>

namespace poise::proxy {

namespace {

std::uint64_t random_word(std::random_device& device) {
    return std::uint64_t{device()} << 32 | device();
}

bool usable_character(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return std::string_view("-._~+/=:@").find(c) != std::string_view::npos;
}

}  // namespace

RequestIds::RequestIds(const Seed& seed)
    : prefix_(seed[0]), counter_(seed[1]), keys_{seed[2], seed[3]} {}

RequestIds RequestIds::random() {
    std::random_device device;
    Seed seed;
    for (std::uint64_t& word : seed)
        word = random_word(device);
    return RequestIds(seed);
}

RequestId RequestIds::next() {
    // A Feistel network: a bijection of the 128 bits, so that a counter that never repeats
    // gives ids that never repeat, with nothing of the order to be seen.
    std::uint64_t left = prefix_;
    std::uint64_t right = counter_++;
    for (int round = 0; round < 2; ++round) {
        left ^= mix64(right + keys_[0]);
        right ^= mix64(left + keys_[1]);
    }

    static constexpr std::string_view letters = "0123456789abcdefghjkmnpqrstvwxyz";
    RequestId id;
    std::size_t at = 0;
    for (int shift = 60; shift >= 0; shift -= 5)
        id.text[at++] = letters[(left >> shift) & 31];
    for (int shift = 60; shift >= 0; shift -= 5)
        id.text[at++] = letters[(right >> shift) & 31];
    return id;
}

bool usable_request_id(std::string_view text) {
    constexpr std::size_t characters_max = 128;
    if (text.empty() || text.size() > characters_max) return false;
    for (const char c : text) {
        if (!usable_character(c)) return false;
    }
    return true;
}

std::string_view incoming_request_id(const RequestHead& head, bool peer_trusted) {
    if (!peer_trusted) return {};
    const Field* field = head.find(FieldId::x_request_id);
    if (field == nullptr || !usable_request_id(field->value)) return {};
    return field->value;
}

}  // namespace poise::proxy
