// How packets are shared out among the layer-4 threads: fan_out.bpf.c, loaded.
#pragma once

#include "l4/kernel_program.hpp"
#include "l4/packet.hpp"
#include "l4/services.hpp"

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>

namespace poise::l4 {

/// For the rings that share a tap (PacketRing::share).
class KernelFanOut {
public:
    /// The error says why this machine has none, and what would help.
    static std::expected<std::unique_ptr<KernelFanOut>, std::string> open();

    /// Whose packets there are from now on. Before each packet filter that takes them. False: the
    /// kernel has no memory for all of them.
    bool set_addresses(const Services& services);
    /// The program's descriptor, for bpf(2).
    int program() const { return program_->program(); }

private:
    explicit KernelFanOut(std::unique_ptr<KernelProgram> program) : program_(std::move(program)) {}

    std::unique_ptr<KernelProgram> program_;
    std::map<Ip, std::uint32_t> kinds_;  // what the program knows
};

}  // namespace poise::l4
