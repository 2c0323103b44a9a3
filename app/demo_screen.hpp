// The live table of `poise demo` on a terminal, and its keys.
#pragma once

#include "app/terminal.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace poise::app {

/// Draws a text over the one before it. Does nothing when the output is no terminal. Lines are
/// no wider than the terminal: it would put what is beyond into its last column.
class LiveText {
public:
    explicit LiveText(Terminal& terminal) : terminal_(terminal) {}
    /// Lines beyond `rows` are left out, for what has scrolled away cannot be drawn over.
    void draw(std::string_view text, std::size_t rows);

private:
    Terminal& terminal_;
    std::size_t lines_ = 0;  // that the last text took
};

/// While it lives, the terminal gives keys at once and does not show them. Without a terminal, or
/// in the background, there are no keys.
class Keys {
public:
    explicit Keys(bool in_is_terminal);
    ~Keys();
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;

    std::optional<char> next();  // never waits
    bool any() const { return saved_ != nullptr; }

private:
    struct Saved;
    std::unique_ptr<Saved> saved_;
};

}  // namespace poise::app
