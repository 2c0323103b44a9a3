// The part of cookie.hpp that keeps the key in a file.
#include "persistence/cookie.hpp"

#include <openssl/rand.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace poise::persistence {

namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }
    bool open() const { return fd_ >= 0; }

private:
    int fd_;
};

std::unexpected<std::string> failure(const std::string& path, std::string_view verb, int error) {
    std::string text = "cannot ";
    text += verb;
    text += " the cookie key file " + path + ": " + std::strerror(error);
    return std::unexpected(std::move(text));
}

std::string to_hex_line(const CookieKey& key) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : key) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text + '\n';
}

std::optional<std::uint8_t> hex_value(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return std::nullopt;
}

std::optional<CookieKey> from_hex_line(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.remove_suffix(1);
    CookieKey key;
    if (text.size() != key.size() * 2) return std::nullopt;
    for (std::size_t i = 0; i < key.size(); ++i) {
        const auto high = hex_value(text[2 * i]);
        const auto low = hex_value(text[2 * i + 1]);
        if (!high || !low) return std::nullopt;
        key[i] = static_cast<std::uint8_t>(*high << 4 | *low);
    }
    return key;
}

std::expected<CookieKey, std::string> read_key(const std::string& path, int fd) {
    struct stat facts{};
    if (::fstat(fd, &facts) != 0) return failure(path, "read", errno);
    constexpr mode_t others = S_IRWXO;
    if ((facts.st_mode & others) != 0) {
        return std::unexpected("the cookie key file " + path +
                               " may be used by everybody; run: chmod 600 " + path);
    }
    std::array<char, 256> bytes;  // longer than any good file
    std::size_t count = 0;
    while (count < bytes.size()) {
        const ssize_t n = ::read(fd, bytes.data() + count, bytes.size() - count);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failure(path, "read", errno);
        if (n == 0) break;
        count += static_cast<std::size_t>(n);
    }
    const auto key = from_hex_line({bytes.data(), count});
    if (!key) {
        return std::unexpected("the cookie key file " + path +
                               " does not hold 64 hex digits; copy it from the other node, or "
                               "remove it to get a new key");
    }
    return *key;
}

// Writes the whole key under a name of its own, then links it to `path`: who finds the file
// finds it whole. Returns 0, EEXIST when somebody else was faster, or another error.
int create_key(const std::string& path, const CookieKey& key) {
    std::string temporary = path + ".XXXXXX";
    const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
    if (!file.open()) return errno;
    const std::string text = to_hex_line(key);
    int error = 0;
    const ssize_t n = ::write(file.get(), text.data(), text.size());
    if (n < 0) error = errno;
    if (n >= 0 && static_cast<std::size_t>(n) != text.size()) error = ENOSPC;
    if (error == 0 && ::fsync(file.get()) != 0) error = errno;
    if (error == 0 && ::link(temporary.c_str(), path.c_str()) != 0) error = errno;
    ::unlink(temporary.c_str());
    return error;
}

}  // namespace

CookieKey random_cookie_key() {
    CookieKey key;
    if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1)
        throw std::runtime_error("the kernel gives no random bytes");
    return key;
}

std::expected<CookieKey, std::string> load_or_create_key(const std::string& path) {
    // The second turn is for the one who lost the race to create the file.
    for (int turn = 0; turn < 2; ++turn) {
        const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
        if (file.open()) return read_key(path, file.get());
        if (errno != ENOENT) return failure(path, "open", errno);
        const int error = create_key(path, random_cookie_key());
        if (error != 0 && error != EEXIST) return failure(path, "create", error);
    }
    return std::unexpected("the cookie key file " + path + " vanished while it was opened");
}

}  // namespace poise::persistence
