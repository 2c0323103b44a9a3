// An answer: its status, its length, and whether more follows on the connection.
#include "bench/open_loop/answer.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace poise::open_loop {

namespace {

constexpr std::size_t head_bytes_max = 16'384;

// The value of a field in a head whose letters are all small; nullopt when it has none.
std::optional<std::string_view> field(std::string_view head, std::string_view name) {
    const std::size_t at = head.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    const std::size_t begin = head.find_first_not_of(' ', at + name.size());
    return head.substr(begin, head.find("\r\n", begin) - begin);
}

}  // namespace

void Answer::start() {
    head_.clear();
    body_left_ = 0;
    in_body_ = ok_ = closes_ = false;
}

bool Answer::read_head() {
    std::ranges::transform(head_, head_.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    if (!head_.starts_with("http/1.1 ") || head_.size() < 12) return false;
    ok_ = head_[9] == '2';
    closes_ = field(head_, "\r\nconnection:") == "close";
    const auto length = field(head_, "\r\ncontent-length:");
    if (!length) return false;
    const char* end = length->data() + length->size();
    return std::from_chars(length->data(), end, body_left_).ptr == end;
}

Answer::State Answer::take(std::string_view bytes) {
    if (!in_body_) {
        const std::size_t before = head_.size();
        head_ += bytes;
        const std::size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
        if (end == std::string::npos)
            return head_.size() > head_bytes_max ? State::broken : State::more;
        bytes.remove_prefix(end + 4 - before);
        head_.resize(end + 2);
        if (!read_head()) return State::broken;
        in_body_ = true;
    }
    if (bytes.size() > body_left_) return State::broken;  // nobody asked for a second answer
    body_left_ -= bytes.size();
    if (body_left_ > 0) return State::more;
    return ok_ ? State::good : State::failed;
}

}  // namespace poise::open_loop
