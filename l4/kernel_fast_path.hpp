// The fast path in the kernel: fast_path.bpf.c, loaded and attached.
#pragma once

#include "l4/fast_path.hpp"
#include "l4/kernel_program.hpp"
#include "l4/services.hpp"

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace poise::l4 {

/// Belongs to the control thread; each layer-4 thread has a part of it. Whatever ends the process
/// takes the program out of the kernel.
class KernelFastPath {
public:
    /// `flows_max` are shared out among so many threads. The error says why this machine has none,
    /// and what would help. Needs Linux 6.6 for tcx.
    static std::expected<std::unique_ptr<KernelFastPath>, std::string> open(std::size_t flows_max,
                                                                            unsigned threads);
    ~KernelFastPath();
    KernelFastPath(const KernelFastPath&) = delete;
    KernelFastPath& operator=(const KernelFastPath&) = delete;

    /// The program sees what comes over these links, and no others. False: not over all of them;
    /// the packets of those come to the tap.
    bool attach(std::span<const Link> links);

    FastPath& of_thread(unsigned thread);
    /// The program's descriptor, for bpf(2).
    int program() const;

private:
    class Part;

    explicit KernelFastPath(std::unique_ptr<KernelProgram> program);

    std::unique_ptr<KernelProgram> program_;
    int index_;
    std::span<poise_fast_way> ways_;
    poise_fast_state* state_ = nullptr;
    std::vector<std::unique_ptr<Part>> parts_;
    std::unordered_map<int, int> attached_;  // an interface's index, and our hold on it
};

}  // namespace poise::l4
