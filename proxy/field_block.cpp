#include "proxy/field_block.hpp"

namespace poise::proxy {

namespace {

constexpr std::string_view cookie = "cookie";
constexpr std::size_t fields_of_most = 20;
constexpr std::size_t bytes_of_most = 600;
constexpr std::size_t kept_of_most = 4;  // times that much is kept

}  // namespace

void FieldBlock::add(std::string_view name, std::string_view value, const Limits& limits) {
    // Crumbs of cookies count as the one field that they are joined to.
    const bool crumb = name == cookie && ++cookies_ > 1;
    if (!crumb && marks_.size() - (cookies_ > 1 ? cookies_ - 1 : 0) >= limits.fields)
        too_many_ = true;
    if (bytes_.size() + name.size() + value.size() > limits.bytes) too_long_ = true;
    if (too_long_ || too_many_) return;
    if (marks_.capacity() == 0) {  // what most heads need, at once
        marks_.reserve(fields_of_most);
        bytes_.reserve(bytes_of_most);
    }
    marks_.push_back({static_cast<std::uint32_t>(bytes_.size()),
                      static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size())});
    bytes_ += name;
    bytes_ += value;
}

void FieldBlock::merge_cookies() {
    if (cookies_ < 2) return;
    std::string joined;
    std::vector<Mark> kept;
    std::size_t place = 0;
    for (std::size_t i = 0; i < marks_.size(); ++i) {
        if (name(i) == cookie) {
            if (joined.empty()) {
                place = kept.size();
                kept.push_back(marks_[i]);
                joined = cookie;
            } else {
                joined += "; ";
            }
            joined += value(i);
        } else {
            kept.push_back(marks_[i]);
        }
    }
    kept[place] = {static_cast<std::uint32_t>(bytes_.size()),
                   static_cast<std::uint32_t>(cookie.size()),
                   static_cast<std::uint32_t>(joined.size() - cookie.size())};
    bytes_ += joined;
    marks_ = std::move(kept);
    cookies_ = 1;
}

bool FieldBlock::is_worth_keeping() const {
    return marks_.capacity() > 0 && marks_.capacity() <= kept_of_most * fields_of_most &&
           bytes_.capacity() <= kept_of_most * bytes_of_most;
}

void FieldBlock::clear() {
    bytes_.clear();
    marks_.clear();
    cookies_ = 0;
    too_long_ = too_many_ = last_ = false;
}

}  // namespace poise::proxy
