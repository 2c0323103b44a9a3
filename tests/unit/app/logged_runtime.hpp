// A runtime in the test's own process, with a log that the test can read.
#pragma once

#include "app/runtime.hpp"
#include "tests/unit/app/running.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <unistd.h>
#include <utility>

namespace poise::app::test {

struct TemporaryFolder {
    TemporaryFolder() {
        auto name = (std::filesystem::temp_directory_path() / "poise-app-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path); }
    std::string file(std::string_view name) const { return (path / name).string(); }
    std::filesystem::path path;
};

inline void write_file(const std::string& path, std::string_view text) {
    std::ofstream(path) << text;
}

inline std::string read_text(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// Started when made; ended, without waiting for sessions, when destroyed.
struct LoggedRuntime {
    explicit LoggedRuntime(const std::string& yaml, const std::string& node_yaml = "") {
        write_file(folder.file("poise.yaml"), yaml);
        RuntimeOptions options;
        options.config_path = folder.file("poise.yaml");
        auto config = config::load_config(options.config_path);
        REQUIRE(config);
        options.config = std::move(*config);
        if (!node_yaml.empty()) {
            write_file(folder.file("node.yaml"), node_yaml);
            auto node = config::load_node(folder.file("node.yaml"));
            REQUIRE(node);
            options.node_path = folder.file("node.yaml");
            options.node = std::move(*node);
        }
        if (options.node.workers == 0) options.node.workers = 1;
        log = Log::open({.path = folder.file("log")}).value();
        runtime = std::make_unique<Runtime>(std::move(options), *log);
        REQUIRE(runtime->start());
    }
    ~LoggedRuntime() {
        runtime->stop_now();
        runtime->run();
    }
    std::string logged() const {
        CHECK(log->flush_within(std::chrono::seconds(10)));
        return read_text(folder.file("log"));
    }
    bool has_logged(std::string_view text) const {
        return logged().find(text) != std::string::npos;
    }

    TemporaryFolder folder;
    std::unique_ptr<Log> log;
    std::unique_ptr<Runtime> runtime;
};

}  // namespace poise::app::test
