// Any Cookie field: the pieces cover it whole, what is cut out is gone, and nothing else changes.
#include "persistence/cookie.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace poise::persistence;

namespace {

constexpr std::string_view name = "POISE";

void require(bool holds) {
    if (!holds) std::abort();
}

// The names and values of all other cookies, in order; empty pieces do not count.
std::vector<std::string_view> others(std::string_view header) {
    std::vector<std::string_view> pieces;
    while (!header.empty()) {
        const CookiePiece piece = next_cookie(header);
        if (piece.name == name) continue;
        if (piece.name.empty() && piece.value.empty()) continue;
        pieces.push_back(piece.name);
        pieces.push_back(piece.value);
    }
    return pieces;
}

void check_pieces_cover(std::string_view header) {
    std::string_view rest = header;
    std::size_t at = 0;
    while (!rest.empty()) {
        const CookiePiece piece = next_cookie(rest);
        require(header.substr(at, piece.whole.size()) == piece.whole);
        at += piece.whole.size();
        if (at < header.size()) require(header[at++] == ';');
        require(header.size() - at == rest.size());
    }
    require(at == header.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const std::vector<std::string> servers{"web1", "web2"};
    static const CookieJar jar("web", CookieKey{1}, servers, name);
    const std::string_view header{reinterpret_cast<const char*>(data), size};

    check_pieces_cover(header);
    const std::string rest = remove_cookie(header, name);
    require(rest.size() <= header.size());
    if (others(rest) != others(header)) std::abort();
    require(!find_cookie(rest, name).has_value());
    require(remove_cookie(rest, name) == rest);
    if (!find_cookie(header, name).has_value() && !rest.empty()) require(rest == header);

    const auto found = jar.find_in_header(header);
    if (found) require(header.find(jar.value_for(*found)) != header.npos);
    jar.find(header);
    return 0;
}
