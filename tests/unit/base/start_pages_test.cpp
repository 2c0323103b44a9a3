#include "base/start_pages.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

namespace poise {

namespace {

constexpr std::string_view program = "/base_tests";
constexpr std::string_view library = "/libstdc++.so.6";

// The resident pages of the file of that name, in kB.
std::uint64_t resident_kb(std::string_view file) {
    std::ifstream maps("/proc/self/smaps");
    std::uint64_t sum = 0;
    bool ours = false;
    for (std::string line; std::getline(maps, line);) {
        std::istringstream words(line);
        std::string first;
        words >> first;
        if (first.find('-') != std::string::npos && first.back() != ':')
            ours = line.find(file) != std::string::npos;
        std::uint64_t kb = 0;
        if (ours && first == "Rss:" && words >> kb) sum += kb;
    }
    return sum;
}

// Makes all of the file's mappings resident.
void populate(std::string_view file) {
    std::ifstream maps("/proc/self/maps");
    std::string line;
    while (std::getline(maps, line)) {
        if (line.find(file) == std::string::npos) continue;
        std::uintptr_t from = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        std::istringstream words(line);
        words >> std::hex >> from >> dash >> end;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): the maps tell addresses as numbers
        ::madvise(reinterpret_cast<void*>(from), end - from, MADV_POPULATE_READ);
    }
}

// The start of this program's file, of which memory has another first byte by now.
struct ChangedPage {
    static constexpr std::size_t bytes = 4096;

    ChangedPage() {
        const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
        ::close(fd);
        REQUIRE(mapped != MAP_FAILED);
        data = static_cast<char*>(mapped);
        data[0] = 'x';
        ::mprotect(data, bytes, PROT_READ);
    }
    ~ChangedPage() { ::munmap(data, bytes); }
    ChangedPage(const ChangedPage&) = delete;
    ChangedPage& operator=(const ChangedPage&) = delete;

    char* data;
};

}  // namespace

TEST_SUITE("base/start_pages") {
    TEST_CASE("the pages of the start are given back, and the program runs on") {
        for (const std::string_view file : {program, library}) {
            populate(file);
            const std::uint64_t before = resident_kb(file);

            release_start_pages();

            const std::uint64_t after = resident_kb(file);
            INFO(file, ": ", before, " kB, then ", after);
            CHECK(before > 0);
            CHECK(after < before * 3 / 4);
            CHECK(std::to_string(4'711) == "4711");
        }
    }

    TEST_CASE("code that was changed in memory stays as it is") {
        const ChangedPage page;

        release_start_pages();

        CHECK(page.data[0] == 'x');
    }
}

}  // namespace poise
