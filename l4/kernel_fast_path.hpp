// The fast path in the kernel: fast_path.bpf.c, loaded and attached.
#pragma once

#include "l4/fast_path.hpp"
#include "l4/kernel_program.hpp"
#include "l4/services.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

namespace poise::l4 {

/// Whatever ends the process takes the program out of the kernel.
class KernelFastPath final : public FastPath {
public:
    /// The error says why this machine has none, and what would help. Needs Linux 6.6 for tcx.
    static std::expected<std::unique_ptr<KernelFastPath>, std::string> open(
        std::uint32_t flows_max);
    ~KernelFastPath() override;
    KernelFastPath(const KernelFastPath&) = delete;
    KernelFastPath& operator=(const KernelFastPath&) = delete;

    /// The program sees what comes over these links, and no others. Control thread. False: not
    /// over all of them; the packets of those come to the tap.
    bool attach(std::span<const Link> links);

    FastPlaces& places() override { return places_; }
    std::span<poise_fast_way> ways() override { return ways_; }
    poise_fast_state& state() override { return *state_; }
    bool put(const poise_fast_key& key, std::uint32_t way) override;
    void remove(const poise_fast_key& key) override;

    /// The program's descriptor, for bpf(2).
    int program() const;

private:
    KernelFastPath(std::unique_ptr<KernelProgram> program, std::uint32_t flows_max);

    std::unique_ptr<KernelProgram> program_;
    int index_;
    FastPlaces places_;
    std::span<poise_fast_way> ways_;
    poise_fast_state* state_ = nullptr;
    std::unordered_map<int, int> attached_;  // an interface's index, and our hold on it
};

}  // namespace poise::l4
