// Two texts compared line by line, for the eyes of whoever is about to apply one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace poise::admin {

struct DiffLine {
    char kind = ' ';  // ' ' in both, '-' before only, '+' after only, '~' lines left out
    std::size_t before = 0, after = 0;  // line numbers from 1; 0: not there
    std::string text;

    bool operator==(const DiffLine&) const = default;
};

/// Changed lines with `context` lines around them. Large differences are told as one block.
std::vector<DiffLine> line_diff(std::string_view before, std::string_view after,
                                std::size_t context = 3);

}  // namespace poise::admin
