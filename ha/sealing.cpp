#include "ha/sealing.hpp"

#include "ha/bytes.hpp"

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <stdexcept>

namespace poise::ha {

namespace {

constexpr std::array<std::uint8_t, 4> magic{'P', 'S', 'H', 'A'};
constexpr std::uint8_t protocol_version = 1;
constexpr std::size_t header_bytes = 36;
constexpr std::size_t tag_bytes = 16;
static_assert(header_bytes + tag_bytes == seal_overhead);

// magic, version, kind, path, 0, key id, sender's nonce, counter: authenticated, not encrypted.
struct Header {
    std::uint8_t version = 0, kind = 0, path = 0;
    std::uint32_t key = 0;
    BootNonce sender{};
    std::uint64_t counter = 0;
};

std::vector<std::uint8_t> to_bytes(const Header& header) {
    ByteWriter out;
    out.raw(magic);
    out.u8(header.version);
    out.u8(header.kind);
    out.u8(header.path);
    out.u8(0);
    out.u32(header.key);
    out.raw(header.sender);
    out.u64(header.counter);
    return out.take();
}

std::expected<Header, Refused> read_header(std::span<const std::uint8_t> datagram) {
    if (datagram.size() < seal_overhead || datagram.size() > datagram_bytes_max ||
        !std::equal(magic.begin(), magic.end(), datagram.begin()))
        return std::unexpected(Refused::not_ours);
    ByteReader in(datagram.subspan(magic.size()));
    Header header;
    header.version = in.u8();
    header.kind = in.u8();
    header.path = in.u8();
    in.u8();
    header.key = in.u32();
    header.sender = in.raw<16>();
    header.counter = in.u64();
    if (header.version != protocol_version) return std::unexpected(Refused::other_version);
    return header;
}

// Unique for each datagram of a key: a counter is used once a kind and path.
std::array<std::uint8_t, 12> iv_of(std::uint8_t kind, std::uint8_t path, std::uint64_t counter) {
    std::array<std::uint8_t, 12> iv{kind, path};
    for (std::size_t i = 0; i < 8; ++i)
        iv[4 + i] = static_cast<std::uint8_t>(counter >> (56 - 8 * i));
    return iv;
}

void check(int result) {
    if (result <= 0) throw std::runtime_error("OpenSSL cannot seal heartbeats");
}

std::array<std::uint8_t, 32> derived(const ClusterKey& key, const BootNonce& sender,
                                     const BootNonce& receiver) {
    std::array<std::uint8_t, 32> salt;
    std::ranges::copy(sender, salt.begin());
    std::ranges::copy(receiver, salt.begin() + sender.size());
    return derive_key(key, salt, "poise heartbeat 1");
}

}  // namespace

BootNonce make_boot_nonce() {
    BootNonce nonce;
    check(RAND_bytes(nonce.data(), static_cast<int>(nonce.size())));
    return nonce;
}

std::string_view word(Refused refused) {
    switch (refused) {
        case Refused::not_ours:
            return "not_ours";
        case Refused::other_version:
            return "other_version";
        case Refused::unknown_key:
            return "unknown_key";
        case Refused::unknown_sender:
            return "unknown_sender";
        case Refused::repeated:
            return "repeated";
        case Refused::too_many:
            return "too_many";
        case Refused::forged:
            return "forged";
    }
    return "";
}

// AES-256-GCM with one key; the context keeps the key's schedule.
class Sealing::Cipher {
public:
    Cipher(const std::array<std::uint8_t, 32>& key, std::uint32_t id, bool seals)
        : id_(id), context_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {
        check(EVP_CipherInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, key.data(), nullptr,
                                seals ? 1 : 0));
    }

    std::uint32_t id() const { return id_; }

    void seal(std::span<const std::uint8_t> header, const std::array<std::uint8_t, 12>& iv,
              std::span<const std::uint8_t> content, std::span<std::uint8_t> out) const {
        int n = 0;
        check(EVP_EncryptInit_ex(context_.get(), nullptr, nullptr, nullptr, iv.data()));
        check(EVP_EncryptUpdate(context_.get(), nullptr, &n, header.data(),
                                static_cast<int>(header.size())));
        check(EVP_EncryptUpdate(context_.get(), out.data(), &n, content.data(),
                                static_cast<int>(content.size())));
        check(EVP_EncryptFinal_ex(context_.get(), out.data() + n, &n));
        check(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes,
                                  out.data() + content.size()));
    }

    std::optional<std::vector<std::uint8_t>> open(std::span<const std::uint8_t> datagram,
                                                  const std::array<std::uint8_t, 12>& iv) const {
        const auto header = datagram.first(header_bytes);
        const auto sealed = datagram.subspan(header_bytes);
        const std::size_t size = sealed.size() - tag_bytes;
        std::array<std::uint8_t, tag_bytes> tag;
        std::ranges::copy(sealed.subspan(size), tag.begin());
        std::vector<std::uint8_t> content(size);
        int n = 0;
        check(EVP_DecryptInit_ex(context_.get(), nullptr, nullptr, nullptr, iv.data()));
        check(EVP_DecryptUpdate(context_.get(), nullptr, &n, header.data(),
                                static_cast<int>(header.size())));
        check(EVP_DecryptUpdate(context_.get(), content.data(), &n, sealed.data(),
                                static_cast<int>(size)));
        check(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()));
        if (EVP_DecryptFinal_ex(context_.get(), content.data() + n, &n) != 1) return std::nullopt;
        return content;
    }

private:
    std::uint32_t id_;
    std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;
};

bool Sealing::Window::fresh(std::uint64_t counter) const {
    if (counter > newest) return true;
    const std::uint64_t age = newest - counter;
    return age < 64 && (seen >> age & 1) == 0;
}

void Sealing::Window::take(std::uint64_t counter) {
    if (counter <= newest) {
        seen |= std::uint64_t{1} << (newest - counter);
        return;
    }
    const std::uint64_t step = counter - newest;
    seen = step < 64 ? seen << step | 1 : 1;
    newest = counter;
}

Sealing::Sealing(const ClusterKeys& keys, const BootNonce& own) : own_(own) {
    set_keys(keys);
}

Sealing::~Sealing() = default;

void Sealing::set_keys(const ClusterKeys& keys) {
    assert(!keys.empty());
    keys_ = keys;
    ids_.clear();
    for (const ClusterKey& key : keys_)
        ids_.push_back(key_id(key));
    hello_out_.clear();
    hello_out_.push_back(
        std::make_unique<Cipher>(derived(keys_[0], own_, BootNonce{}), ids_[0], true));
    if (session_) {
        session_->in = ciphers(session_->peer, own_);
        session_->out = ciphers(own_, session_->peer);
    }
    candidates_.clear();
}

Sealing::Ciphers Sealing::ciphers(const BootNonce& sender, const BootNonce& receiver) const {
    Ciphers made;
    const bool seals = sender == own_;
    for (std::size_t i = 0; i < keys_.size(); ++i)
        made.push_back(
            std::make_unique<Cipher>(derived(keys_[i], sender, receiver), ids_[i], seals));
    return made;
}

std::optional<std::size_t> Sealing::index_of(std::uint32_t id) const {
    const auto found = std::ranges::find(ids_, id);
    if (found == ids_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - ids_.begin());
}

std::vector<std::uint8_t> Sealing::seal_with(const Cipher& cipher, Kind kind, std::uint8_t path,
                                             std::span<const std::uint8_t> content) const {
    assert(content.size() <= datagram_bytes_max - seal_overhead);
    assert(path < paths_max);
    const auto number = static_cast<std::uint8_t>(kind);
    std::vector<std::uint8_t> datagram =
        to_bytes(Header{protocol_version, number, path, cipher.id(), own_, counter_});
    datagram.resize(header_bytes + content.size() + tag_bytes);
    const std::span<std::uint8_t> all(datagram);
    cipher.seal(all.first(header_bytes), iv_of(number, path, counter_), content,
                all.subspan(header_bytes));
    return datagram;
}

std::vector<std::uint8_t> Sealing::seal(Kind kind, std::uint8_t path,
                                        std::span<const std::uint8_t> content) const {
    if (kind == Kind::hello) return seal_with(*hello_out_[0], kind, path, content);
    assert(session_);
    return seal_with(*session_->out[0], kind, path, content);
}

std::vector<std::vector<std::uint8_t>> Sealing::answers(
    std::uint8_t path, std::span<const std::uint8_t> content) const {
    std::vector<std::vector<std::uint8_t>> made;
    for (const Candidate& candidate : candidates_)
        if (candidate.answer_due)
            made.push_back(seal_with(*candidate.out[0], Kind::beat, path, content));
    return made;
}

void Sealing::hellos_answered() {
    for (Candidate& candidate : candidates_)
        candidate.answer_due = false;
}

std::expected<Opened, Refused> Sealing::open(std::uint8_t path,
                                             std::span<const std::uint8_t> datagram, Time now) {
    const auto header = read_header(datagram);
    if (!header) return std::unexpected(header.error());
    const auto key = index_of(header->key);
    if (!key) return std::unexpected(Refused::unknown_key);
    // A datagram that has been carried over to another path would pass that path's window.
    if (header->path != path || path >= paths_max || header->sender == own_)
        return std::unexpected(Refused::unknown_sender);
    if (header->kind == static_cast<std::uint8_t>(Kind::hello))
        return open_hello(*key, datagram, header->sender, now);
    if (header->kind != static_cast<std::uint8_t>(Kind::beat) &&
        header->kind != static_cast<std::uint8_t>(Kind::farewell))
        return std::unexpected(Refused::other_version);
    return open_sealed(*key, path, static_cast<Kind>(header->kind), datagram, header->sender, now);
}

std::optional<Refused> Sealing::refuse_unknown(const BootNonce& sender, Time now) {
    if (std::ranges::find(retired_, sender) != retired_.end()) return Refused::repeated;
    const double passed = std::chrono::duration<double>(now - tokens_at_).count();
    tokens_ = std::min(unknown_burst, tokens_ + std::max(0.0, passed) * unknown_per_second);
    tokens_at_ = now;
    if (tokens_ < 1) return Refused::too_many;
    tokens_ -= 1;
    return std::nullopt;
}

Sealing::Candidate& Sealing::candidate(const BootNonce& sender) {
    const auto known = std::ranges::find(candidates_, sender, &Candidate::peer);
    if (known != candidates_.end()) return *known;
    if (candidates_.size() == answers_max) candidates_.erase(candidates_.begin());
    candidates_.push_back({sender, ciphers(own_, sender), false});
    return candidates_.back();
}

std::expected<Opened, Refused> Sealing::open_hello(std::size_t key,
                                                   std::span<const std::uint8_t> datagram,
                                                   const BootNonce& sender, Time now) {
    if (session_ && session_->peer == sender) return std::unexpected(Refused::repeated);
    if (const auto refused = refuse_unknown(sender, now)) return std::unexpected(*refused);
    const auto header = read_header(datagram);
    const Cipher cipher(derived(keys_[key], sender, BootNonce{}), ids_[key], false);
    auto content = cipher.open(datagram, iv_of(header->kind, header->path, header->counter));
    if (!content) return std::unexpected(Refused::forged);
    candidate(sender).answer_due = true;
    return Opened{Kind::hello, header->counter, false, std::move(*content)};
}

std::expected<Opened, Refused> Sealing::open_sealed(std::size_t key, std::uint8_t path, Kind kind,
                                                    std::span<const std::uint8_t> datagram,
                                                    const BootNonce& sender, Time now) {
    const auto header = read_header(datagram);
    const auto iv = iv_of(header->kind, path, header->counter);
    if (!session_ || session_->peer != sender) {
        // It is for this node's nonce, so whoever sealed it lives: a node that has started anew,
        // or the answer to a hello.
        if (kind != Kind::beat) return std::unexpected(Refused::unknown_sender);
        if (const auto refused = refuse_unknown(sender, now)) return std::unexpected(*refused);
        const Cipher cipher(derived(keys_[key], sender, own_), ids_[key], false);
        auto content = cipher.open(datagram, iv);
        if (!content) return std::unexpected(Refused::forged);
        promote(sender);
        session_->beats[path].take(header->counter);
        session_->newest = header->counter;
        return Opened{kind, header->counter, true, std::move(*content)};
    }
    Window& window = (kind == Kind::beat ? session_->beats : session_->farewells)[path];
    // A farewell is of the last beat; what came after it says that the node lives.
    if (!window.fresh(header->counter) ||
        (kind == Kind::farewell && header->counter < session_->newest))
        return std::unexpected(Refused::repeated);
    auto content = session_->in[key]->open(datagram, iv);
    if (!content) return std::unexpected(Refused::forged);
    window.take(header->counter);
    if (kind == Kind::beat) session_->newest = std::max(session_->newest, header->counter);
    return Opened{kind, header->counter, false, std::move(*content)};
}

void Sealing::promote(const BootNonce& peer) {
    if (session_) {
        if (retired_.size() == retired_max) retired_.erase(retired_.begin());
        retired_.push_back(session_->peer);
    }
    session_ = Session{peer, ciphers(peer, own_), ciphers(own_, peer), {}, {}, 0};
    std::erase_if(candidates_, [&](const Candidate& c) { return c.peer == peer; });
}

bool Sealing::names_session(std::span<const std::uint8_t> datagram) const {
    constexpr std::size_t sender_at = 12;
    if (!session_ || datagram.size() < seal_overhead) return false;
    return std::equal(session_->peer.begin(), session_->peer.end(), datagram.begin() + sender_at);
}

}  // namespace poise::ha
