#include "l4/kernel_guard.hpp"

#include "base/shared_library.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <unistd.h>

namespace poise::l4 {

namespace {

// Before everything else there.
constexpr int priority = -450;

std::string_view word(std::uint8_t protocol) {
    return protocol == protocol_tcp ? "tcp" : "udp";
}

// A set of addresses, protocols and ports of one family; empty when there are none.
std::string set_text(const PortTable& ports, bool v4, std::string_view name) {
    std::string elements;
    for (const PortRange& range : ports.ranges()) {
        const Address address{range.ip, 0};
        if (address.is_v4() != v4) continue;
        fmt::format_to(std::back_inserter(elements), "{}{} . {} . {}", elements.empty() ? "" : ", ",
                       ip_to_string(address), word(range.protocol), range.first);
        if (range.last != range.first)
            fmt::format_to(std::back_inserter(elements), "-{}", range.last);
    }
    if (elements.empty()) return {};
    return fmt::format(
        "set {} {{ type {} . inet_proto . inet_service; flags interval; elements = {{ {} }}; }}\n",
        name, v4 ? "ipv4_addr" : "ipv6_addr", elements);
}

// What servers say to an alias of a client is ours, although the address is of this machine.
std::string alias_rule(const Services& services, bool v4) {
    std::string addresses;
    for (const PortRange& range : services.by_destination.ranges()) {
        const Address address{range.ip, 0};
        if (address.is_v4() == v4)
            addresses += (addresses.empty() ? "" : ", ") + ip_to_string(address);
    }
    const std::string_view family = v4 ? "ip" : "ip6";
    return fmt::format(
        "{} saddr . meta l4proto . th sport @servers{} {} daddr {{ {} }} "
        "th dport {}-65535 counter drop\n",
        family, v4 ? "4" : "6", family, addresses, alias_port_first);
}

}  // namespace

std::string guard_rules(const Services& services, const std::vector<std::string>& interfaces,
                        const std::string& table) {
    std::string sets;
    std::string rules;
    for (const bool v4 : {true, false}) {
        const std::string_view family = v4 ? "ip" : "ip6";
        const std::string suffix = v4 ? "4" : "6";
        for (const bool to_us : {true, false}) {
            const std::string name = (to_us ? "services" : "servers") + suffix;
            const PortTable& ports = to_us ? services.by_destination : services.by_server;
            const std::string text = set_text(ports, v4, name);
            if (text.empty()) continue;
            sets += text;
            // What a server says to this machine itself, as it answers a check, is the kernel's.
            fmt::format_to(std::back_inserter(rules),
                           "{}{} {} . meta l4proto . th {} @{} counter drop\n",
                           to_us ? "" : "fib daddr type != local ", family,
                           to_us ? "daddr" : "saddr", to_us ? "dport" : "sport", name);
            if (!to_us) rules += alias_rule(services, v4);
        }
    }
    std::string devices;
    for (const std::string& interface : interfaces)
        devices += (devices.empty() ? "\"" : ", \"") + interface + "\"";
    std::string text = fmt::format("table inet {} {{ flags owner;\n{}", table, sets);
    if (!devices.empty()) {
        text += fmt::format(
            "chain guard {{ type filter hook prerouting priority {}; policy accept;\n"
            "iifname != {{ {} }} accept\n{}}}\n",
            priority, devices, rules);
    }
    return text + masquerade_chain(services) + "}\n";
}

std::string masquerade_chain(const Services& services) {
    std::string rules;
    for (const auto& service : services.services) {
        if (!service->masquerade) continue;
        const Address as{*service->masquerade, 0};
        std::string servers;
        for (const std::uint16_t number : service->servers) {
            servers += servers.empty() ? "" : ", ";
            servers += ip_to_string({services.servers[number].ip, 0});
        }
        if (servers.empty()) continue;
        const std::string_view family = as.is_v4() ? "ip" : "ip6";
        fmt::format_to(std::back_inserter(rules), "{} saddr {{ {} }} counter snat {} to {}\n",
                       family, servers, family, ip_to_string(as));
    }
    if (rules.empty()) return {};
    return fmt::format(
        "chain leaving {{ type nat hook postrouting priority srcnat; "
        "policy accept;\n{}}}\n",
        rules);
}

// The five calls of libnftables(3) that are used.
struct KernelGuard::Library {
    SharedLibrary file{"libnftables.so.1"};
    void* context = nullptr;
    void (*free_context)(void*) = nullptr;
    int (*run)(void*, const char*) = nullptr;
    const char* (*error)(void*) = nullptr;

    ~Library() {
        if (context != nullptr) free_context(context);
    }
};

KernelGuard::KernelGuard()
    : library_(std::make_unique<Library>()), table_(fmt::format("poise_{}", ::getpid())) {}

KernelGuard::~KernelGuard() = default;

std::expected<std::unique_ptr<KernelGuard>, std::string> KernelGuard::open() {
    std::unique_ptr<KernelGuard> guard(new KernelGuard);
    Library& library = *guard->library_;
    if (!library.file.loaded())
        return std::unexpected("layer 4 needs libnftables.so.1: apt install nftables");
    void* (*make)(std::uint32_t) = nullptr;
    int (*keep)(void*) = nullptr;
    if (!library.file.find("nft_ctx_new", make) ||
        !library.file.find("nft_ctx_buffer_error", keep) ||
        !library.file.find("nft_ctx_free", library.free_context) ||
        !library.file.find("nft_run_cmd_from_buffer", library.run) ||
        !library.file.find("nft_ctx_get_error_buffer", library.error))
        return std::unexpected("layer 4: this libnftables lacks what Poise calls");
    library.context = make(0);
    if (library.context == nullptr || keep(library.context) != 0)
        return std::unexpected("layer 4: libnftables does not start");
    return guard;
}

std::expected<void, std::string> KernelGuard::set(const Services& services,
                                                  const std::vector<std::string>& interfaces) {
    const std::string text = undo_ + guard_rules(services, interfaces, table_);
    if (library_->run(library_->context, text.c_str()) != 0) {
        return std::unexpected(
            fmt::format("layer 4: nftables refused the rules that keep the kernel from answering: "
                        "{}",
                        library_->error(library_->context)));
    }
    undo_ = fmt::format("delete table inet {}\n", table_);
    return {};
}

}  // namespace poise::l4
