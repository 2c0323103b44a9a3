#include "base/start_pages.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/mman.h>

namespace poise {

namespace {

constexpr std::string_view program = "/base_tests";

// The resident pages of this program's file, in kB.
std::uint64_t resident_kb() {
    std::ifstream maps("/proc/self/smaps");
    std::uint64_t sum = 0;
    bool ours = false;
    for (std::string line; std::getline(maps, line);) {
        std::istringstream words(line);
        std::string first;
        words >> first;
        if (first.find('-') != std::string::npos && first.back() != ':')
            ours = line.ends_with(program);
        std::uint64_t kb = 0;
        if (ours && first == "Rss:" && words >> kb) sum += kb;
    }
    return sum;
}

// Makes all of the program's file resident.
void populate_code() {
    std::ifstream maps("/proc/self/maps");
    std::string line;
    while (std::getline(maps, line)) {
        if (!line.ends_with(program)) continue;
        std::uintptr_t from = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        std::istringstream words(line);
        words >> std::hex >> from >> dash >> end;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): the maps tell addresses as numbers
        ::madvise(reinterpret_cast<void*>(from), end - from, MADV_POPULATE_READ);
    }
}

}  // namespace

TEST_CASE("the pages of the start are given back, and the program runs on") {
    populate_code();
    const std::uint64_t before = resident_kb();
    release_start_pages();
    const std::uint64_t after = resident_kb();
    INFO(before, " kB, then ", after);
    CHECK(before > 0);
    CHECK(after < before * 3 / 4);
    CHECK(std::to_string(4'711) == "4711");
}

}  // namespace poise
