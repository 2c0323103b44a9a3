#include "base/start_pages.hpp"

#include <cstddef>
#include <cstdint>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace poise {

namespace {

// Of the program itself, which the loader names first, and not of libraries, whose code others may
// have changed in memory. Segments that are written to hold what is not in the file.
int release_segments(dl_phdr_info* object, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
        const std::uintptr_t from = object->dlpi_addr + segment.p_vaddr;
        // Whole pages alone: its last one may be the first of a segment that is written to.
        const std::uintptr_t first = (from + page - 1) / page * page;
        const std::uintptr_t end = (from + segment.p_filesz) / page * page;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
        if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    }
    return 1;  // no further object
}

}  // namespace

void release_start_pages() {
    ::dl_iterate_phdr(&release_segments, nullptr);
}

}  // namespace poise
