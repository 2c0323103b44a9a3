// A request's path in the form in which the router compares it. For router.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace poise::proxy {

/// Looks into the path given when there is nothing to normalise (nearly always); else keeps the
/// normal form in itself, or on the heap when it is long. The path outlives it.
class NormalPath {
public:
    /// `path_and_query` is an origin-form target; the query is left out.
    explicit NormalPath(std::string_view path_and_query);
    NormalPath(const NormalPath&) = delete;
    NormalPath& operator=(const NormalPath&) = delete;

    std::string_view view() const { return view_; }

private:
    std::string_view view_;
    std::array<char, 1'024> bytes_;  // not filled with zeros
    std::string long_bytes_;
};

}  // namespace poise::proxy
