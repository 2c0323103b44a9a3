#include "app/tar_file.hpp"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <cstring>
#include <new>
#include <zlib.h>

namespace poise::app {

namespace {

constexpr std::size_t block = 512;

// POSIX.1-1988: texts and octal numbers at fixed places.
struct Header {
    std::array<char, 100> name{};
    std::array<char, 8> mode{}, uid{}, gid{};
    std::array<char, 12> size{}, mtime{};
    std::array<char, 8> checksum{};
    char type = '0';
    std::array<char, 100> link{};
    std::array<char, 8> magic{'u', 's', 't', 'a', 'r', '\0', '0', '0'};
    std::array<char, 247> rest{};
};
static_assert(sizeof(Header) == block);

template <std::size_t Size>
void put(std::array<char, Size>& field, const std::string& text) {
    assert(text.size() < Size);
    std::memcpy(field.data(), text.data(), text.size());
}

void add(std::string& tar, const TarEntry& entry, std::int64_t now_s) {
    Header header;
    put(header.name, entry.name);
    put(header.mode, "0000600");
    put(header.uid, "0000000");
    put(header.gid, "0000000");
    put(header.size, fmt::format("{:011o}", entry.text.size()));
    put(header.mtime, fmt::format("{:011o}", now_s));
    header.checksum.fill(' ');
    std::array<unsigned char, block> bytes{};
    std::memcpy(bytes.data(), &header, block);
    unsigned sum = 0;
    for (const unsigned char byte : bytes)
        sum += byte;
    header.checksum.fill('\0');
    put(header.checksum, fmt::format("{:06o}", sum));
    header.checksum.back() = ' ';
    tar.append(reinterpret_cast<const char*>(&header), block);
    tar += entry.text;
    tar.resize((tar.size() + block - 1) / block * block, '\0');
}

std::string gzipped(const std::string& bytes) {
    constexpr int gzip_window = 15 + 16, memory_level = 8;
    z_stream stream{};
    if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, memory_level,
                       Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc();
    std::string out(::deflateBound(&stream, bytes.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int ended = ::deflate(&stream, Z_FINISH);  // all at once: the bound is known
    assert(ended == Z_STREAM_END);                   // else the bound was none
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

}  // namespace

std::string make_tar_gz(const std::vector<TarEntry>& entries, std::int64_t now_s) {
    std::string tar;
    for (const TarEntry& entry : entries)
        add(tar, entry, now_s);
    tar.append(2 * block, '\0');
    return gzipped(tar);
}

}  // namespace poise::app
