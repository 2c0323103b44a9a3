#include "proxy/normal_path.hpp"

#include "proxy/router.hpp"

#include <cassert>
#include <cstring>

namespace poise::proxy {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// RFC 3986 section 2.3.
bool is_unreserved(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return c == '-' || c == '.' || c == '_' || c == '~';
}

bool is_normal(std::string_view path) {
    return path.find('%') == path.npos && path.find("/.") == path.npos;
}

// Decodes what is unreserved and writes the hex digits of the rest in upper case. `out` has room
// for the path's size. Returns the bytes written.
std::size_t decode_unreserved(std::string_view path, char* out) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::size_t written = 0;
    for (std::size_t at = 0; at < path.size(); ++at) {
        const bool triplet = path[at] == '%' && at + 2 < path.size() &&
                             hex_value(path[at + 1]) >= 0 && hex_value(path[at + 2]) >= 0;
        if (!triplet) {
            out[written++] = path[at];
            continue;
        }
        const int high = hex_value(path[at + 1]);
        const int low = hex_value(path[at + 2]);
        at += 2;
        const char decoded = static_cast<char>(high << 4 | low);
        if (is_unreserved(decoded)) {
            out[written++] = decoded;
            continue;
        }
        out[written++] = '%';
        out[written++] = digits[static_cast<std::size_t>(high)];
        out[written++] = digits[static_cast<std::size_t>(low)];
    }
    return written;
}

// RFC 3986 section 5.2.4, in place, for a path that starts with "/". Returns the bytes left.
std::size_t remove_dot_segments(char* path, std::size_t size) {
    assert(size > 0 && path[0] == '/');
    std::size_t written = 0;
    std::size_t at = 0;
    while (at < size) {
        std::size_t end = at + 1;  // path[at] is the "/" in front of the segment
        while (end < size && path[end] != '/')
            ++end;
        const std::string_view segment{path + at + 1, end - at - 1};
        const bool last = end == size;
        if (segment == "..") {
            while (written > 0 && path[--written] != '/') {
            }
        }
        if (segment == "." || segment == "..") {
            if (last) path[written++] = '/';  // "/a/.." is "/", "/a/." is "/a/"
        } else {
            std::memmove(path + written, path + at, end - at);
            written += end - at;
        }
        at = end;
    }
    return written;
}

std::size_t normalise(std::string_view path, char* out) {
    const std::size_t size = decode_unreserved(path, out);
    if (size == 0 || out[0] != '/') return size;
    return remove_dot_segments(out, size);
}

}  // namespace

NormalPath::NormalPath(std::string_view path_and_query)
    : view_(path_and_query.substr(0, path_and_query.find('?'))) {
    if (is_normal(view_)) return;
    char* out = bytes_.data();
    if (view_.size() > bytes_.size()) {
        long_bytes_.resize(view_.size());
        out = long_bytes_.data();
    }
    view_ = {out, normalise(view_, out)};
}

void append_normal_path(std::string& out, std::string_view path) {
    const std::size_t start = out.size();
    out.resize(start + path.size());
    out.resize(start + normalise(path, out.data() + start));
}

}  // namespace poise::proxy
