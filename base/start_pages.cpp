#include "base/start_pages.hpp"

#include <cctype>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/mman.h>

namespace poise {

namespace {

struct Mapping {
    std::uintptr_t from = 0;
    std::uintptr_t end = 0;
    bool is_file = false;  // which is not written to
};

// "7f0c6a200000-7f0c6a3b2000 r-xp 00022000 fe:01 1234  /usr/lib/libcrypto.so.3"
Mapping read_mapping(const std::string& line) {
    Mapping found;
    char dash = 0;
    std::string access, offset, device, inode, path;
    std::istringstream words(line);
    words >> std::hex >> found.from >> dash >> found.end >> access >> offset >> device >> inode >>
        path;
    found.is_file = path.starts_with('/') && access.starts_with("r-");
    return found;
}

void release(const Mapping& mapping) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel tells addresses as numbers
    ::madvise(reinterpret_cast<void*>(mapping.from), mapping.end - mapping.from, MADV_DONTNEED);
}

}  // namespace

void release_start_pages() {
    std::ifstream lines("/proc/self/smaps");  // a mapping, and then what is known of it
    Mapping mapping;
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && std::isxdigit(static_cast<unsigned char>(line[0])) != 0 &&
            std::isupper(static_cast<unsigned char>(line[0])) == 0)
            mapping = read_mapping(line);
        // A page that is the file's no longer is nobody else's: what the loader has filled in, code
        // that a debugger or the like has changed.
        else if (mapping.is_file && line.starts_with("Anonymous:") && line.ends_with(" 0 kB"))
            release(mapping);
    }
}

}  // namespace poise
