#include "admin/line_diff.hpp"

#include <algorithm>
#include <cstdint>

namespace poise::admin {

namespace {

using Lines = std::vector<std::string_view>;
constexpr std::size_t cells_max = 4'000'000;  // of the table; beyond it all is told as changed

Lines lines_of(std::string_view text) {
    Lines lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

// Lengths of the longest common subsequences of what remains, by rows of `before`.
std::vector<std::uint16_t> lengths(const Lines& before, const Lines& after) {
    const std::size_t wide = after.size() + 1;
    std::vector<std::uint16_t> table((before.size() + 1) * wide);
    for (std::size_t i = before.size(); i-- > 0;) {
        for (std::size_t j = after.size(); j-- > 0;) {
            const std::uint16_t same =
                static_cast<std::uint16_t>(table[(i + 1) * wide + j + 1] + 1);
            table[i * wide + j] = before[i] == after[j] ? same
                                                        : std::max(table[(i + 1) * wide + j],
                                                                   table[i * wide + j + 1]);
        }
    }
    return table;
}

// All lines of the middle part, where the texts differ; `skipped` lines are equal before it.
void add_middle(const Lines& before, const Lines& after, std::size_t skipped,
                std::vector<DiffLine>& out) {
    const bool small =
        before.size() < UINT16_MAX && (before.size() + 1) * (after.size() + 1) <= cells_max;
    const auto table = small ? lengths(before, after) : std::vector<std::uint16_t>();
    const std::size_t wide = after.size() + 1;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < before.size() || j < after.size()) {
        const bool both = i < before.size() && j < after.size();
        if (small && both && before[i] == after[j]) {
            out.push_back({' ', skipped + i + 1, skipped + j + 1, std::string(before[i])});
            ++i;
            ++j;
        } else if (i < before.size() &&
                   (!both || !small || table[(i + 1) * wide + j] >= table[i * wide + j + 1])) {
            out.push_back({'-', skipped + i + 1, 0, std::string(before[i])});
            ++i;
        } else {
            out.push_back({'+', 0, skipped + j + 1, std::string(after[j])});
            ++j;
        }
    }
}

// Keeps what stands within `context` lines of a change.
std::vector<DiffLine> near_changes(const std::vector<DiffLine>& all, std::size_t context) {
    std::vector<bool> kept(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].kind == ' ') continue;
        const std::size_t from = i - std::min(i, context);
        const std::size_t to = std::min(all.size(), i + context + 1);
        std::fill(kept.begin() + static_cast<std::ptrdiff_t>(from),
                  kept.begin() + static_cast<std::ptrdiff_t>(to), true);
    }
    std::vector<DiffLine> shown;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (kept[i]) shown.push_back(all[i]);
        if (!kept[i] && (shown.empty() || shown.back().kind != '~'))
            shown.push_back({'~', 0, 0, ""});
    }
    return shown;
}

}  // namespace

std::vector<DiffLine> line_diff(std::string_view before, std::string_view after,
                                std::size_t context) {
    if (before == after) return {};
    Lines old_lines = lines_of(before);
    Lines new_lines = lines_of(after);
    const std::size_t least = std::min(old_lines.size(), new_lines.size());
    std::size_t head = 0;
    while (head < least && old_lines[head] == new_lines[head])
        ++head;
    std::size_t tail = 0;
    while (tail < least - head &&
           old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail])
        ++tail;
    std::vector<DiffLine> all;
    for (std::size_t i = 0; i < head; ++i)
        all.push_back({' ', i + 1, i + 1, std::string(old_lines[i])});
    const auto part = [](const Lines& lines, std::size_t from, std::size_t to) {
        return Lines(lines.begin() + static_cast<std::ptrdiff_t>(from),
                     lines.begin() + static_cast<std::ptrdiff_t>(to));
    };
    add_middle(part(old_lines, head, old_lines.size() - tail),
               part(new_lines, head, new_lines.size() - tail), head, all);
    for (std::size_t i = 0; i < tail; ++i) {
        const std::size_t at = old_lines.size() - tail + i;
        all.push_back({' ', at + 1, new_lines.size() - tail + i + 1, std::string(old_lines[at])});
    }
    return near_changes(all, context);
}

}  // namespace poise::admin
