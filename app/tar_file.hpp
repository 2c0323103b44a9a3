// A tar.gz of a few small texts, made in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace poise::app {

struct TarEntry {
    std::string name;  // a path of at most 99 bytes
    std::string text;
};

/// POSIX ustar, compressed by gzip. Files get mode 0600. Throws std::bad_alloc alone.
std::string make_tar_gz(const std::vector<TarEntry>& entries, std::int64_t now_s);

}  // namespace poise::app
