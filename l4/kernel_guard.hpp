// Keeps the kernel from answering or forwarding what layer 4 takes care of: nftables drops it right
// behind our tap, before anything else of IP.
#pragma once

#include "l4/services.hpp"

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace poise::l4 {

/// The rules as nft reads them, for these interfaces; masquerade_chain() is among them. `table` is
/// a name of our own.
std::string guard_rules(const Services& services, const std::vector<std::string>& interfaces,
                        const std::string& table);

/// How the kernel sends on what the servers of services with `masquerade` begin themselves; empty:
/// there is no such service. Only the kernel knows every route and neighbour.
std::string masquerade_chain(const Services& services);

/// The table belongs to this process (nftables' owner flag): the kernel removes it with
/// us, whatever ends us, and nobody else can change it. The library is loaded when the first
/// service needs it, so that who has no layer 4 needs no nftables. Control thread.
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
    std::string undo_;  // takes away what was set before
};

}  // namespace poise::l4
