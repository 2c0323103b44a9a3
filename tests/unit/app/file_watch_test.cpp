// Changes of files, told when they hold still, once each.
#include "app/file_watch.hpp"

#include "tests/unit/app/running.hpp"

#include <filesystem>
#include <string>
#include <vector>

using namespace poise::app;
using namespace poise::app::test;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

struct Watched {
    Watched() {
        write(a, "one");
        write(b, "two");
        watch.begin(marks_of({a, b}));
    }
    static void write(const std::string& path, const std::string& text) {
        std::ofstream(path, std::ios::trunc) << text;
    }
    Names look(std::chrono::seconds later) { return watch.look(now += later); }

    const Folder folder;
    const std::string a = (folder.path / "a").string();
    const std::string b = (folder.path / "b").string();
    FileWatch::Clock::time_point now{1h};
    FileWatch watch;
};

}  // namespace

TEST_SUITE("app/file_watch") {
    TEST_CASE("a change is told once, and only when it holds still") {
        Watched files;
        CHECK(files.look(5s).empty());

        files.write(files.a, "another");
        CHECK(files.look(5s).empty());
        files.write(files.b, "and another");
        CHECK(files.look(1s).empty());

        CHECK(files.look(1s) == Names{files.a, files.b});
        CHECK(files.look(1s).empty());
        CHECK(files.look(10s).empty());
    }

    TEST_CASE("a file that another one replaces has changed") {
        Watched files;
        files.write(files.b + ".new", "two");
        std::filesystem::rename(files.b + ".new", files.b);

        CHECK(files.look(5s).empty());
        CHECK(files.look(1s) == Names{files.b});
    }

    TEST_CASE("a file that goes and comes again has changed twice") {
        Watched files;
        std::filesystem::remove(files.a);
        CHECK(files.look(5s).empty());
        CHECK(files.look(1s) == Names{files.a});

        files.write(files.a, "back");
        CHECK(files.look(5s).empty());
        CHECK(files.look(1s) == Names{files.a});
    }

    TEST_CASE("the files are left alone until it is time") {
        Watched files;
        CHECK(files.look(5s).empty());
        files.write(files.a, "another");

        CHECK(files.look(4s).empty());
        CHECK(files.look(4s).empty());  // found
        CHECK(files.look(1s) == Names{files.a});
    }

    TEST_CASE("what begins anew is compared with what it began with") {
        Watched files;
        files.write(files.a, "another");
        files.watch.begin(marks_of({files.a}));

        CHECK(files.look(5s).empty());
        CHECK(files.look(5s).empty());
    }
}
