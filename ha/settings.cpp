#include "ha/settings.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace poise::ha {

namespace {

class Digest {
public:
    Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
        check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
    }
    // With its length, so that no two lists of texts are the same bytes.
    void add(std::string_view text) {
        std::array<std::uint8_t, 8> size{};
        for (std::size_t i = 0; i < size.size(); ++i)
            size[i] = static_cast<std::uint8_t>(text.size() >> (8 * i));
        check(EVP_DigestUpdate(context_.get(), size.data(), size.size()));
        check(EVP_DigestUpdate(context_.get(), text.data(), text.size()));
    }
    Hash end() {
        Hash hash{};
        check(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr));
        return hash;
    }

private:
    static void check(int result) {
        if (result != 1) throw std::runtime_error("OpenSSL has no SHA-256");
    }
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::size_t bytes_of(const Settings& settings) {
    std::size_t bytes = settings.text.size();
    for (const SettingsFile& file : settings.files)
        bytes += file.path.size() + file.bytes.size();
    return bytes;
}

ConfigMark settings_mark(const Settings& settings, std::uint64_t version) {
    Digest digest;
    digest.add(settings.text);
    for (const SettingsFile& file : settings.files) {
        digest.add(file.path);
        digest.add(file.bytes);
    }
    return {.version = version, .hash = digest.end()};
}

bool is_inner_path(std::string_view path) {
    if (path.empty() || path.size() > 250 || path.find('\0') != std::string_view::npos)
        return false;
    while (true) {
        const std::size_t slash = path.find('/');
        const std::string_view name = path.substr(0, slash);
        if (name.empty() || name.front() == '.') return false;
        if (slash == std::string_view::npos) return true;
        path.remove_prefix(slash + 1);
    }
}

std::string_view word(Verdict verdict) {
    switch (verdict) {
        case Verdict::equal:
            return "equal";
        case Verdict::take_theirs:
            return "take_theirs";
        case Verdict::give_ours:
            return "give_ours";
        case Verdict::diverged:
            return "diverged";
    }
    return "";
}

Verdict compare(const Standing& ours, const Standing& theirs) {
    if (ours.hash == theirs.hash) return Verdict::equal;
    if (ours.unfinished != theirs.unfinished)
        return ours.unfinished ? Verdict::take_theirs : Verdict::give_ours;
    // What was changed from exactly what the other one has is newer than that.
    const bool theirs_newer = theirs.common == ours.hash, ours_newer = ours.common == theirs.hash;
    if (theirs_newer == ours_newer) return Verdict::diverged;
    return theirs_newer ? Verdict::take_theirs : Verdict::give_ours;
}

}  // namespace poise::ha
