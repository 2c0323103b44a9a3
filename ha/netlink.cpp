#include "ha/netlink.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace poise::ha {

namespace {

// What the kernel puts into one answer at most: it asks for buffers of this size itself.
constexpr std::size_t answer_bytes_max = 32'768;
// A kernel that does not answer at all would otherwise hold the caller for good.
constexpr timeval answer_limit{.tv_sec = 1, .tv_usec = 0};
// A dump of more than this many datagrams is no interface's list of addresses or neighbours.
constexpr int answers_max = 10'000;

std::error_code last_error() {
    return {errno, std::generic_category()};
}

constexpr std::size_t aligned(std::size_t bytes) {
    return (bytes + NLMSG_ALIGNTO - 1) & ~static_cast<std::size_t>(NLMSG_ALIGNTO - 1);
}

// Calls `each(header, body)` for the messages in `bytes`; stops at one that does not fit.
template <typename Each>
void for_each_message(std::span<const std::byte> bytes, const Each& each) {
    while (bytes.size() >= sizeof(nlmsghdr)) {
        nlmsghdr header{};
        std::memcpy(&header, bytes.data(), sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size()) return;
        each(header, bytes.subspan(sizeof header, header.nlmsg_len - sizeof header));
        bytes = bytes.subspan(std::min(aligned(header.nlmsg_len), bytes.size()));
    }
}

int error_in(std::span<const std::byte> body) {
    int error = 0;
    if (body.size() >= sizeof error) std::memcpy(&error, body.data(), sizeof error);
    return -error;
}

}  // namespace

void NetlinkBatch::append(std::span<const std::byte> data) {
    assert(!starts_.empty());
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    bytes_.resize(aligned(bytes_.size()));
    set_length();
}

void NetlinkBatch::set_length() {
    const auto length = static_cast<std::uint32_t>(bytes_.size() - starts_.back());
    std::memcpy(bytes_.data() + starts_.back() + offsetof(nlmsghdr, nlmsg_len), &length,
                sizeof length);
}

void NetlinkBatch::begin(std::uint16_t type, std::uint16_t flags) {
    starts_.push_back(bytes_.size());
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST | NLM_F_ACK);
    append(std::as_bytes(std::span(&header, 1)));
}

void NetlinkBatch::attribute(std::uint16_t type, std::span<const std::byte> value) {
    const rtattr head{static_cast<unsigned short>(sizeof(rtattr) + value.size()), type};
    static_assert(sizeof head % NLMSG_ALIGNTO == 0);
    append(std::as_bytes(std::span(&head, 1)));
    append(value);
}

void NetlinkBatch::number(std::uint32_t first) {
    for (std::size_t i = 0; i < starts_.size(); ++i) {
        const auto sequence = first + static_cast<std::uint32_t>(i);
        std::memcpy(bytes_.data() + starts_[i] + offsetof(nlmsghdr, nlmsg_seq), &sequence,
                    sizeof sequence);
    }
}

std::span<const std::byte> NetlinkMessage::attribute(std::size_t header_bytes,
                                                     std::uint16_t type) const {
    auto rest = body_.subspan(std::min(aligned(header_bytes), body_.size()));
    while (rest.size() >= sizeof(rtattr)) {
        rtattr head{};
        std::memcpy(&head, rest.data(), sizeof head);
        if (head.rta_len < sizeof head || head.rta_len > rest.size()) return {};
        if ((head.rta_type & NLA_TYPE_MASK) == type)
            return rest.subspan(sizeof head, head.rta_len - sizeof head);
        rest = rest.subspan(std::min(aligned(head.rta_len), rest.size()));
    }
    return {};
}

std::expected<NetlinkSocket, std::error_code> NetlinkSocket::open(std::uint32_t groups) {
    NetlinkSocket made(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (made.fd_ < 0) return std::unexpected(last_error());
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    own.nl_groups = groups;
    if (::bind(made.fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        ::setsockopt(made.fd_, SOL_SOCKET, SO_RCVTIMEO, &answer_limit, sizeof answer_limit) != 0)
        return std::unexpected(last_error());
    // The answers to a whole batch wait in the socket; failing to widen it is no harm to small
    // ones.
    const int answers_bytes = 1 << 20;
    ::setsockopt(made.fd_, SOL_SOCKET, SO_RCVBUFFORCE, &answers_bytes, sizeof answers_bytes);
    // Without it an error repeats the whole request, which makes batches of answers large.
    const int on = 1;
    ::setsockopt(made.fd_, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    return made;
}

NetlinkSocket::~NetlinkSocket() {
    if (fd_ >= 0) ::close(fd_);
}

NetlinkSocket::NetlinkSocket(NetlinkSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), next_number_(other.next_number_) {}

NetlinkSocket& NetlinkSocket::operator=(NetlinkSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(next_number_, other.next_number_);
    return *this;
}

std::error_code NetlinkSocket::send(NetlinkBatch& batch) {
    batch.number(next_number_);
    next_number_ += static_cast<std::uint32_t>(batch.messages());
    const auto bytes = batch.bytes();
    for (;;) {
        if (::send(fd_, bytes.data(), bytes.size(), 0) >= 0) return {};
        if (errno != EINTR) return last_error();
    }
}

std::expected<std::vector<int>, std::error_code> NetlinkSocket::carry_out(NetlinkBatch& batch) {
    std::vector<int> results(batch.messages(), 0);
    if (results.empty()) return results;
    const std::uint32_t first = next_number_;
    if (const auto error = send(batch)) return std::unexpected(error);
    std::vector<std::byte> answer(answer_bytes_max);
    std::size_t answered = 0;
    while (answered < results.size()) {
        const ssize_t got = ::recv(fd_, answer.data(), answer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(last_error());
        for_each_message(std::span(answer).first(static_cast<std::size_t>(got)),
                         [&](const nlmsghdr& header, std::span<const std::byte> body) {
                             // Late answers to what was given up before have older numbers.
                             const std::uint32_t which = header.nlmsg_seq - first;
                             if (header.nlmsg_type != NLMSG_ERROR || which >= results.size())
                                 return;
                             results[which] = error_in(body);
                             ++answered;
                         });
    }
    return results;
}

std::error_code NetlinkSocket::list(NetlinkBatch& question, const Each& each) {
    assert(question.messages() == 1);
    const std::uint32_t number = next_number_;
    if (const auto error = send(question)) return error;
    std::vector<std::byte> answer(answer_bytes_max);
    bool over = false;
    int error = 0;
    for (int answers = 0; !over && answers < answers_max; ++answers) {
        const ssize_t got = ::recv(fd_, answer.data(), answer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return last_error();
        for_each_message(std::span(answer).first(static_cast<std::size_t>(got)),
                         [&](const nlmsghdr& header, std::span<const std::byte> body) {
                             if (header.nlmsg_seq != number || over) return;
                             over = header.nlmsg_type == NLMSG_DONE ||
                                    header.nlmsg_type == NLMSG_ERROR;
                             if (over)
                                 error = error_in(body);
                             else
                                 each(NetlinkMessage(header.nlmsg_type, body));
                         });
    }
    return {error, std::generic_category()};
}

bool NetlinkSocket::hear(const Each& each) {
    std::vector<std::byte> told(answer_bytes_max);
    for (int datagrams = 0; datagrams < answers_max; ++datagrams) {
        const ssize_t got = ::recv(fd_, told.data(), told.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        for_each_message(std::span(told).first(static_cast<std::size_t>(got)),
                         [&](const nlmsghdr& header, std::span<const std::byte> body) {
                             each(NetlinkMessage(header.nlmsg_type, body));
                         });
    }
    return true;
}

unsigned interface_index(const std::string& name) {
    return ::if_nametoindex(name.c_str());
}

}  // namespace poise::ha
