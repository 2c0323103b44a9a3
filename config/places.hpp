// Where each value of the configuration stands in the file. The model carries no positions;
// checks that follow the reading ask here by path: "services/0/servers/2/weight".
#pragma once

#include "config/diagnostic.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace poise::config {

class Places {
public:
    explicit Places(std::string file) : file_(std::move(file)) {}

    void note(const std::string& path, int line, int column);
    /// Something at `path` was refused: it and all that holds it are broken.
    void mark_broken(std::string_view path);

    /// Did the user write a value there?
    bool written(const std::string& path) const { return places_.contains(path); }
    /// Was anything at `path` or beneath it refused? A check of what depends on it would only
    /// repeat the error in other words.
    bool broken(const std::string& path) const { return broken_.contains(path); }

    /// The place of `path`, or of the nearest of its parents that the user wrote.
    Position at(std::string_view path) const;

    const std::string& file() const { return file_; }

private:
    struct Spot {
        int line;
        int column;
    };

    std::string file_;
    std::unordered_map<std::string, Spot> places_;
    std::unordered_set<std::string> broken_;
};

/// What a check needs: where to look things up, and where to say what is wrong.
struct Checks {
    const Places& places;
    Report& report;
    std::string folder;  // where relative paths of the file start

    void error(std::string_view path, std::string message, std::string hint = {}) const {
        report.add({places.at(path), std::move(message), std::move(hint)});
    }
};

}  // namespace poise::config
