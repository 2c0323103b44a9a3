#include "l4/kernel_fast_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

// The program, as the compiler made it.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "poise_fast_path_object:\n"
    ".incbin \"" POISE_FAST_PATH_OBJECT
    "\"\n"
    "poise_fast_path_object_end:\n"
    ".popsection\n");
extern "C" const unsigned char poise_fast_path_object[];
extern "C" const unsigned char poise_fast_path_object_end[];

namespace poise::l4 {

namespace {

// Debian 12's headers are older than it (Linux 6.6).
constexpr auto tcx_ingress = static_cast<bpf_attach_type>(46);
constexpr int loopback = 1;

static_assert(sizeof(poise_fast_key) == 40);
static_assert(sizeof(poise_fast_way) == 128);

std::string failure(const char* what, int error) {
    const char* cure = "";
    if (error == EPERM || error == EACCES)
        cure = "; it needs root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN";
    return fmt::format("{}: {}{}", what, std::strerror(error), cure);
}

int attach_to(int program, int interface) {
    return ::bpf_link_create(program, interface, tcx_ingress, nullptr);
}

}  // namespace

struct KernelFastPath::Loaded {
    bpf_object* object = nullptr;
    int program = -1;
    int index = -1;
    std::vector<std::pair<void*, std::size_t>> mapped;

    ~Loaded() {
        for (const auto& [memory, bytes] : mapped)
            ::munmap(memory, bytes);
        if (object != nullptr) ::bpf_object__close(object);
    }

    bpf_map* map(const char* name) const { return ::bpf_object__find_map_by_name(object, name); }

    // Null: the kernel refused.
    void* share(const char* name, std::size_t bytes) {
        void* const memory =
            ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ::bpf_map__fd(map(name)), 0);
        if (memory == MAP_FAILED) return nullptr;
        mapped.emplace_back(memory, bytes);
        return memory;
    }
};

KernelFastPath::KernelFastPath(std::unique_ptr<Loaded> loaded) : loaded_(std::move(loaded)) {}

KernelFastPath::~KernelFastPath() {
    for (const auto& [interface, link] : attached_)
        ::close(link);
}

std::expected<std::unique_ptr<KernelFastPath>, std::string> KernelFastPath::open(
    std::size_t flows_max) {
    ::libbpf_set_print(nullptr);
    auto loaded = std::make_unique<Loaded>();
    const auto bytes =
        static_cast<std::size_t>(poise_fast_path_object_end - poise_fast_path_object);
    loaded->object = ::bpf_object__open_mem(poise_fast_path_object, bytes, nullptr);
    if (loaded->object == nullptr)
        return std::unexpected(failure("libbpf cannot read the program", errno));
    const std::size_t ways = flows_max * 2;
    for (const char* name : {"fast_index", "fast_ways"})
        ::bpf_map__set_max_entries(loaded->map(name), static_cast<std::uint32_t>(ways));
    if (const int error = ::bpf_object__load(loaded->object); error != 0)
        return std::unexpected(failure("the kernel does not take the program", -error));
    loaded->program =
        ::bpf_program__fd(::bpf_object__find_program_by_name(loaded->object, "poise_fast_path"));
    loaded->index = ::bpf_map__fd(loaded->map("fast_index"));
    // What it cannot do there it cannot do elsewhere.
    const int tried = attach_to(loaded->program, loopback);
    if (tried < 0) {
        if (errno == EINVAL)
            return std::unexpected("the kernel has no tcx, which comes with Linux 6.6");
        return std::unexpected(failure("the program cannot be attached", errno));
    }
    ::close(tried);
    void* const way_memory = loaded->share("fast_ways", ways * sizeof(poise_fast_way));
    void* const state_memory = loaded->share("fast_state", sizeof(poise_fast_state));
    if (way_memory == nullptr || state_memory == nullptr)
        return std::unexpected(failure("the program's memory cannot be mapped", errno));
    std::unique_ptr<KernelFastPath> path(new KernelFastPath(std::move(loaded)));
    path->ways_ = {static_cast<poise_fast_way*>(way_memory), ways};
    path->state_ = static_cast<poise_fast_state*>(state_memory);
    return path;
}

bool KernelFastPath::attach(std::span<const Link> links) {
    std::erase_if(attached_, [&](const auto& one) {
        if (std::ranges::find(links, one.first, &Link::index) != links.end()) return false;
        ::close(one.second);
        return true;
    });
    bool all = true;
    for (const Link& link : links) {
        if (link.index == 0 || attached_.contains(link.index)) continue;
        const int hold = attach_to(loaded_->program, link.index);
        if (hold >= 0)
            attached_.emplace(link.index, hold);
        else
            all = false;
    }
    return all;
}

int KernelFastPath::program() const {
    return loaded_->program;
}

bool KernelFastPath::put(const poise_fast_key& key, std::uint32_t way) {
    return ::bpf_map_update_elem(loaded_->index, &key, &way, BPF_ANY) == 0;
}

void KernelFastPath::remove(const poise_fast_key& key) {
    ::bpf_map_delete_elem(loaded_->index, &key);
}

}  // namespace poise::l4
