// Whether network interfaces can carry packets now.
#pragma once

#include <string>
#include <vector>

namespace poise::ha {

/// Those of the named interfaces that are missing, switched off, or without carrier. A system
/// call each.
class Links {
public:
    /// Names that occur twice are looked at once.
    explicit Links(std::vector<std::string> names);
    ~Links();
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;

    std::vector<std::string> down() const;

private:
    std::vector<std::string> names_;
    int fd_;
};

}  // namespace poise::ha
