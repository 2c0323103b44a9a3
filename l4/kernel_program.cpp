#include "l4/kernel_program.hpp"

#include <fmt/format.h>

#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>
#include <vector>

namespace poise::l4 {

struct KernelProgram::Loaded {
    bpf_object* object = nullptr;
    std::vector<std::pair<void*, std::size_t>> mapped;

    ~Loaded() {
        for (const auto& [memory, bytes] : mapped)
            ::munmap(memory, bytes);
        if (object != nullptr) ::bpf_object__close(object);
    }

    bpf_map* table(const char* name) const { return ::bpf_object__find_map_by_name(object, name); }
};

KernelProgram::KernelProgram(std::unique_ptr<Loaded> loaded) : loaded_(std::move(loaded)) {}

KernelProgram::~KernelProgram() = default;

std::expected<std::unique_ptr<KernelProgram>, std::string> KernelProgram::load(
    std::span<const unsigned char> object, const char* program, std::span<const TableSize> sizes) {
    ::libbpf_set_print(nullptr);
    auto loaded = std::make_unique<Loaded>();
    loaded->object = ::bpf_object__open_mem(object.data(), object.size(), nullptr);
    if (loaded->object == nullptr)
        return std::unexpected(failure("libbpf cannot read the program", errno));
    for (const TableSize& size : sizes)
        ::bpf_map__set_max_entries(loaded->table(size.table), size.entries);
    if (const int error = ::bpf_object__load(loaded->object); error != 0)
        return std::unexpected(failure("the kernel does not take the program", -error));
    std::unique_ptr<KernelProgram> made(new KernelProgram(std::move(loaded)));
    made->program_ =
        ::bpf_program__fd(::bpf_object__find_program_by_name(made->loaded_->object, program));
    return made;
}

int KernelProgram::table(const char* name) const {
    return ::bpf_map__fd(loaded_->table(name));
}

void* KernelProgram::share(const char* table, std::size_t bytes) {
    void* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, this->table(table), 0);
    if (memory == MAP_FAILED) return nullptr;
    loaded_->mapped.emplace_back(memory, bytes);
    return memory;
}

std::string KernelProgram::failure(const char* what, int error) {
    const char* cure = "";
    if (error == EPERM || error == EACCES)
        cure = "; it needs root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN";
    return fmt::format("{}: {}{}", what, std::strerror(error), cure);
}

}  // namespace poise::l4
