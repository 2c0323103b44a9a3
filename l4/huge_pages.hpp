// Memory for tables of many megabytes, in huge pages where the kernel has them: a look-up at a
// random place then costs one miss of the cache, and none of the address translation.
#pragma once

#include <cstddef>
#include <new>
#include <sys/mman.h>

namespace poise::l4 {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

/// Asks for huge pages; where there are none, all is as it was. `at` is a multiple of
/// huge_page_bytes.
inline void want_huge_pages(void* at, std::size_t bytes) {
    ::madvise(at, bytes, MADV_HUGEPAGE);
}

/// For containers: what is smaller than a huge page comes from the heap.
template <typename T>
struct HugePages {
    using value_type = T;

    HugePages() = default;
    template <typename U>
    HugePages(const HugePages<U>&) {}

    T* allocate(std::size_t count) {
        const std::size_t bytes = count * sizeof(T);
        if (bytes < huge_page_bytes) return static_cast<T*>(::operator new(bytes));
        void* const at = ::operator new(bytes, std::align_val_t{huge_page_bytes});
        want_huge_pages(at, bytes);
        return static_cast<T*>(at);
    }
    void deallocate(T* at, std::size_t count) {
        if (count * sizeof(T) < huge_page_bytes) return ::operator delete(at);
        ::operator delete(at, std::align_val_t{huge_page_bytes});
    }

    bool operator==(const HugePages&) const { return true; }
};

}  // namespace poise::l4
