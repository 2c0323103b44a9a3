// A program for the kernel that is part of this binary, loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>

namespace poise::l4 {

/// What the compiler made of one .bpf.c file. The kernel drops it when this ends, and when the
/// process does.
class KernelProgram {
public:
    /// A table whose size is known only now.
    struct TableSize {
        const char* table;
        std::uint32_t entries;
    };

    /// The error says why the kernel does not take it, and what would help.
    static std::expected<std::unique_ptr<KernelProgram>, std::string> load(
        std::span<const unsigned char> object, const char* program,
        std::span<const TableSize> sizes);
    ~KernelProgram();
    KernelProgram(const KernelProgram&) = delete;
    KernelProgram& operator=(const KernelProgram&) = delete;

    /// Descriptors, for bpf(2).
    int program() const { return program_; }
    int table(const char* name) const;
    /// The table's memory, as the program sees it. Null: the kernel refused; errno says why.
    void* share(const char* table, std::size_t bytes);

    /// "WHAT: why", and the cure where it is known.
    static std::string failure(const char* what, int error);

private:
    struct Loaded;

    explicit KernelProgram(std::unique_ptr<Loaded> loaded);

    std::unique_ptr<Loaded> loaded_;
    int program_ = -1;
};

}  // namespace poise::l4
