// Rtnetlink: questions and orders to the kernel's network configuration, many in one call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

namespace poise::ha {

/// Messages to the kernel, one behind the other, each with its number and asking for an answer.
class NetlinkBatch {
public:
    /// Begins a message of `type` (RTM_NEWADDR, ...). NLM_F_REQUEST and NLM_F_ACK are added.
    void begin(std::uint16_t type, std::uint16_t flags);

    /// Appends the message's fixed part (ifaddrmsg, ...), once, right after begin().
    template <typename Header>
    void header(const Header& value) {
        static_assert(std::is_trivially_copyable_v<Header>);
        append(std::as_bytes(std::span(&value, 1)));
    }
    void attribute(std::uint16_t type, std::span<const std::byte> value);
    template <typename Value>
    void attribute(std::uint16_t type, const Value& value) {
        static_assert(std::is_trivially_copyable_v<Value>);
        attribute(type, std::as_bytes(std::span(&value, 1)));
    }

    std::size_t messages() const { return starts_.size(); }
    std::span<const std::byte> bytes() const { return bytes_; }

private:
    friend class NetlinkSocket;
    void append(std::span<const std::byte> data);
    void set_length();
    void number(std::uint32_t first);

    std::vector<std::byte> bytes_;
    std::vector<std::size_t> starts_;
};

/// One message of the kernel: its type, fixed part and attributes. Reads stay inside.
class NetlinkMessage {
public:
    NetlinkMessage(std::uint16_t type, std::span<const std::byte> body)
        : type_(type), body_(body) {}

    std::uint16_t type() const { return type_; }

    /// The fixed part; all zero where the message is too short for it.
    template <typename Header>
    Header header() const {
        static_assert(std::is_trivially_copyable_v<Header>);
        Header value{};
        if (body_.size() >= sizeof value) std::memcpy(&value, body_.data(), sizeof value);
        return value;
    }
    /// The bytes of an attribute behind a fixed part of `header_bytes`; empty when it is missing.
    std::span<const std::byte> attribute(std::size_t header_bytes, std::uint16_t type) const;

private:
    std::uint16_t type_;
    std::span<const std::byte> body_;
};

/// A socket to the kernel. Belongs to one thread, whose network namespace it is for.
class NetlinkSocket {
public:
    /// `groups` are the multicast groups to hear (RTMGRP_LINK, ...); 0: none.
    static std::expected<NetlinkSocket, std::error_code> open(std::uint32_t groups = 0);
    ~NetlinkSocket();
    NetlinkSocket(NetlinkSocket&& other) noexcept;
    NetlinkSocket& operator=(NetlinkSocket&& other) noexcept;

    /// Sends all messages in one call. Returns an errno for each, 0 where it was done. The kernel
    /// does the work inside of the call: microseconds a message, longer while others hold its
    /// lock on the network configuration.
    std::expected<std::vector<int>, std::error_code> carry_out(NetlinkBatch& batch);

    using Each = std::function<void(const NetlinkMessage&)>;
    /// Asks one question whose answer is a list (NLM_F_DUMP), and calls `each` for its entries.
    std::error_code list(NetlinkBatch& question, const Each& each);

    /// Reads what the groups have told, without waiting. False: some of it was lost, ask anew.
    bool hear(const Each& each);

    int fd() const { return fd_; }

private:
    explicit NetlinkSocket(int fd) : fd_(fd) {}
    std::error_code send(NetlinkBatch& batch);

    int fd_ = -1;
    std::uint32_t next_number_ = 1;
};

/// The number of the interface of that name; 0: there is none.
unsigned interface_index(const std::string& name);

}  // namespace poise::ha
