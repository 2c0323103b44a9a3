#include "l4/kernel_fan_out.hpp"

#include "l4/fan_out.h"

#include <array>
#include <bpf/bpf.h>
#include <utility>

// The program, as the compiler made it.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    "poise_fan_out_object:\n"
    ".incbin \"" POISE_FAN_OUT_OBJECT
    "\"\n"
    "poise_fan_out_object_end:\n"
    ".popsection\n");
extern "C" const unsigned char poise_fan_out_object[];
extern "C" const unsigned char poise_fan_out_object_end[];

namespace poise::l4 {

namespace {

// As many as a configuration can have: both are numbered with 16 bits.
constexpr std::uint32_t addresses_max = 131'072;

}  // namespace

std::expected<std::unique_ptr<KernelFanOut>, std::string> KernelFanOut::open() {
    const std::array<KernelProgram::TableSize, 1> sizes{{{"fan_addresses", addresses_max}}};
    auto program = KernelProgram::load({poise_fan_out_object, poise_fan_out_object_end},
                                       "poise_fan_out", sizes);
    if (!program) return std::unexpected(program.error());
    return std::unique_ptr<KernelFanOut>(new KernelFanOut(std::move(*program)));
}

bool KernelFanOut::set_addresses(const Services& services) {
    std::map<Ip, std::uint32_t> wanted;
    for (const PortRange& range : services.by_destination.ranges())
        wanted[range.ip] |= POISE_FAN_VIP;
    for (const PortRange& range : services.by_server.ranges())
        wanted[range.ip] |= POISE_FAN_SERVER;
    const int table = program_->table("fan_addresses");
    for (const auto& [ip, kind] : kinds_)
        if (!wanted.contains(ip)) ::bpf_map_delete_elem(table, ip.data());
    bool all = true;
    for (const auto& [ip, kind] : wanted)
        if (::bpf_map_update_elem(table, ip.data(), &kind, BPF_ANY) != 0) all = false;
    kinds_ = std::move(wanted);
    return all;
}

}  // namespace poise::l4
