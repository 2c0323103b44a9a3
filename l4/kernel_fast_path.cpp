#include "l4/kernel_fast_path.hpp"

#include "l4/kernel_program.hpp"

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <cerrno>
#include <unistd.h>
#include <utility>

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

int attach_to(int program, int interface) {
    return ::bpf_link_create(program, interface, tcx_ingress, nullptr);
}

}  // namespace

KernelFastPath::KernelFastPath(std::unique_ptr<KernelProgram> program, std::uint32_t flows_max)
    : program_(std::move(program)), index_(program_->table("fast_index")), places_(flows_max) {}

KernelFastPath::~KernelFastPath() {
    for (const auto& [interface, link] : attached_)
        ::close(link);
}

std::expected<std::unique_ptr<KernelFastPath>, std::string> KernelFastPath::open(
    std::uint32_t flows_max) {
    const std::size_t ways = std::size_t{flows_max} * 2;
    const auto entries = static_cast<std::uint32_t>(ways);
    const std::array<KernelProgram::TableSize, 2> sizes{
        {{"fast_index", entries}, {"fast_ways", entries}}};
    auto program = KernelProgram::load({poise_fast_path_object, poise_fast_path_object_end},
                                       "poise_fast_path", sizes);
    if (!program) return std::unexpected(program.error());
    // What it cannot do there it cannot do elsewhere.
    const int tried = attach_to((*program)->program(), loopback);
    if (tried < 0) {
        if (errno == EINVAL)
            return std::unexpected("the kernel has no tcx, which comes with Linux 6.6");
        return std::unexpected(KernelProgram::failure("the program cannot be attached", errno));
    }
    ::close(tried);
    void* const way_memory = (*program)->share("fast_ways", ways * sizeof(poise_fast_way));
    void* const state_memory = (*program)->share("fast_state", sizeof(poise_fast_state));
    if (way_memory == nullptr || state_memory == nullptr)
        return std::unexpected(
            KernelProgram::failure("the program's memory cannot be mapped", errno));
    std::unique_ptr<KernelFastPath> path(new KernelFastPath(std::move(*program), flows_max));
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
        const int hold = attach_to(program(), link.index);
        if (hold >= 0)
            attached_.emplace(link.index, hold);
        else
            all = false;
    }
    return all;
}

int KernelFastPath::program() const {
    return program_->program();
}

bool KernelFastPath::put(const poise_fast_key& key, std::uint32_t way) {
    return ::bpf_map_update_elem(index_, &key, &way, BPF_ANY) == 0;
}

void KernelFastPath::remove(const poise_fast_key& key) {
    ::bpf_map_delete_elem(index_, &key);
}

}  // namespace poise::l4
