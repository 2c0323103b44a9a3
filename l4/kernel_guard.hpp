// Keeps the kernel from answering or forwarding what layer 4 takes care of: nftables drops it right
// behind our tap.
#pragma once

#include "l4/services.hpp"

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace poise::l4 {

/// The rules as nft reads them, for these interfaces. `table` is a name of our own.
std::string guard_rules(const Services& services, const std::vector<std::string>& interfaces,
                        const std::string& table);

/// The table belongs to this process (nftables' owner flag): the kernel removes it with us,
/// whatever ends us, and nobody else can change it. The library is loaded when the first service
/// needs it, so that who has no layer 4 needs no nftables. Control thread.
class KernelGuard {
public:
    static std::expected<std::unique_ptr<KernelGuard>, std::string> open();
    ~KernelGuard();
    KernelGuard(const KernelGuard&) = delete;
    KernelGuard& operator=(const KernelGuard&) = delete;

    /// Replaces the rules at once, in one transaction.
    std::expected<void, std::string> set(const Services& services,
                                         const std::vector<std::string>& interfaces);

private:
    struct Library;
    KernelGuard();

    std::unique_ptr<Library> library_;
    std::string table_;
    bool set_ = false;
};

}  // namespace poise::l4
