#include "ha/cluster_key.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace poise::ha {

namespace {

constexpr std::size_t file_bytes_max = 4096;

std::unexpected<std::string> failure(std::string_view verb, const std::string& path) {
    return std::unexpected(
        fmt::format("cannot {} the cluster key file '{}': {}", verb, path, std::strerror(errno)));
}

std::optional<std::uint8_t> hex_value(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return std::nullopt;
}

std::optional<ClusterKey> from_hex(std::string_view text) {
    ClusterKey key;
    if (text.size() != key.size() * 2) return std::nullopt;
    for (std::size_t i = 0; i < key.size(); ++i) {
        const auto high = hex_value(text[2 * i]);
        const auto low = hex_value(text[2 * i + 1]);
        if (!high || !low) return std::nullopt;
        key[i] = static_cast<std::uint8_t>(*high << 4 | *low);
    }
    return key;
}

std::string_view trimmed(std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
        line.remove_suffix(1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t'))
        line.remove_prefix(1);
    return line;
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

}  // namespace

std::uint32_t key_id(const ClusterKey& key) {
    std::array<std::uint8_t, 32> hash;
    constexpr std::string_view label = "poise cluster key id";
    std::string input(label);
    input.append(reinterpret_cast<const char*>(key.data()), key.size());
    if (EVP_Digest(input.data(), input.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("OpenSSL has no SHA-256");
    return static_cast<std::uint32_t>(hash[0]) << 24 | static_cast<std::uint32_t>(hash[1]) << 16 |
           static_cast<std::uint32_t>(hash[2]) << 8 | hash[3];
}

std::array<std::uint8_t, 32> derive_key(const ClusterKey& key, std::span<const std::uint8_t> salt,
                                        std::string_view label) {
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr), EVP_PKEY_CTX_free);
    std::array<std::uint8_t, 32> out;
    std::size_t size = out.size();
    const auto* info = reinterpret_cast<const unsigned char*>(label.data());
    if (!context || EVP_PKEY_derive_init(context.get()) <= 0 ||
        EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) <= 0 ||
        (!salt.empty() && EVP_PKEY_CTX_set1_hkdf_salt(context.get(), salt.data(),
                                                      static_cast<int>(salt.size())) <= 0) ||
        EVP_PKEY_CTX_set1_hkdf_key(context.get(), key.data(), static_cast<int>(key.size())) <= 0 ||
        EVP_PKEY_CTX_add1_hkdf_info(context.get(), info, static_cast<int>(label.size())) <= 0 ||
        EVP_PKEY_derive(context.get(), out.data(), &size) <= 0)
        throw std::runtime_error("OpenSSL cannot derive a key");
    return out;
}

ClusterKey make_cluster_key() {
    ClusterKey key;
    if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1)
        throw std::runtime_error("the system has no randomness");
    return key;
}

std::expected<ClusterKeys, std::string> parse_cluster_keys(std::string_view text) {
    ClusterKeys keys;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line.front() == '#') continue;
        const auto key = from_hex(line);
        if (!key) {
            return std::unexpected(
                fmt::format("line {}: a key is 64 hexadecimal digits, this line has {} characters; "
                            "`poise pair` makes one",
                            number, line.size()));
        }
        if (keys.size() == cluster_keys_max)
            return std::unexpected(
                fmt::format("line {}: at most {} keys, the one in use and its successor", number,
                            cluster_keys_max));
        keys.push_back(*key);
    }
    if (keys.empty()) return std::unexpected("there is no key in it; `poise pair` makes one");
    return keys;
}

std::string to_text(const ClusterKeys& keys) {
    std::string text;
    for (const ClusterKey& key : keys) {
        for (const std::uint8_t byte : key)
            text += fmt::format("{:02x}", byte);
        text += '\n';
    }
    return text;
}

std::expected<ClusterKeys, std::string> load_cluster_keys(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return failure("open", path);
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) return failure("look at", path);
    if ((info.st_mode & 077) != 0)
        return std::unexpected(fmt::format(
            "the cluster key file '{}' can be read by others than its owner: chmod 600 it", path));
    std::string text(file_bytes_max, '\0');
    const ssize_t n = ::read(file.get(), text.data(), text.size());
    if (n < 0) return failure("read", path);
    text.resize(static_cast<std::size_t>(n));
    auto keys = parse_cluster_keys(text);
    if (!keys) return std::unexpected(fmt::format("{}: {}", path, keys.error()));
    return keys;
}

std::expected<void, std::string> save_cluster_keys(const std::string& path,
                                                   const ClusterKeys& keys) {
    const std::string beside = path + ".new";
    const Descriptor file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (file.get() < 0) return failure("make", beside);
    const std::string text = to_text(keys);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(file.get()) != 0)
        return failure("write", beside);
    if (::rename(beside.c_str(), path.c_str()) != 0) return failure("replace", path);
    return {};
}

}  // namespace poise::ha
